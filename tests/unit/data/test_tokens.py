"""Tokens know where words and sentences begin, whatever kind of vocabulary they are from."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import AddedToken

from unmask.base.errors import TokenizerError
from unmask.data.chunks import cutting
from unmask.data.tokens import Encoder
from unmask.text.train import learn

TEXTS = ["The quick fox can't jump. It sleeps!", "我们喜欢语言模型。它很大。", "Fox and 语言 model, a\n\nNew line 😀"]
SIZES = {"bytes": 260, "wordpiece": 90, "unigram": 330, "characters": 90}
KINDS = list(SIZES)


def tokens(kind, text, **wanted):
    tokenizer = learn(kind, TEXTS * 3, vocab=SIZES[kind])
    [[found]] = Encoder(tokenizer, **{"words": False, "sentences": False, **wanted}).all([[text]])
    return tokenizer, found


def parts(tokenizer, ids, begins):
    """The text of each run of tokens, without the document's end."""
    runs = [ids[begin:end] for begin, end in zip(begins, [*begins, len(ids)][1:], strict=True)]
    return [text for run in runs if (text := tokenizer.decode(run).strip())]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The fox can't jump.", ["The", "fox", "can't", "jump", "."]),
        ("我们喜欢语言模型。", ["我们", "喜欢", "语言", "模型", "。"]),
        ("fox, 语言", ["fox", ",", "语言"]),
    ],
)
def test_runs_of_tokens_from_head_to_head_are_words(kind, text, words):
    tokenizer, found = tokens(kind, text, words=True)
    lowered = [word.lower() for word in words] if kind == "wordpiece" else words
    read = [part.replace(" ", "") for part in parts(tokenizer, found.ids, np.flatnonzero(found.heads).tolist())]
    assert [each for each in read if each != "\ufffd"] == lowered


@pytest.mark.parametrize("kind", ["bytes", "unigram"])
def test_bytes_of_one_character_are_no_words_of_their_own(kind):
    tokenizer, found = tokens(kind, "fox 龘 fox", words=True)
    assert parts(tokenizer, found.ids, np.flatnonzero(found.heads).tolist()) == ["fox", "龘", "fox"]


@pytest.mark.parametrize("kind", KINDS)
def test_runs_of_tokens_between_sentence_begins_are_sentences(kind):
    tokenizer, found = tokens(kind, "The fox sleeps. It can't jump!\nFox 语言", sentences=True)
    wanted = ["The fox sleeps.", "It can't jump!", "Fox 语言"]
    read = parts(tokenizer, found.ids, found.sentences.tolist())
    assert [each.replace(" ", "").lower() for each in read] == [each.replace(" ", "").lower() for each in wanted]


@pytest.mark.parametrize(
    ("kind", "ends"), [("bytes", True), ("wordpiece", False), ("unigram", True), ("characters", True)]
)
@pytest.mark.parametrize("words", [False, True])
def test_a_document_ends_with_the_end_where_the_vocabulary_has_one(kind, ends, words):
    tokenizer, found = tokens(kind, "fox", words=words)
    wanted = list(tokenizer.encode("fox", special=False).ids)
    assert found.ids.tolist() == (wanted + sorted(tokenizer.ends) if ends else wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_every_vocabulary_that_we_learn_is_looked_up_chunk_by_chunk(kind):
    assert cutting(learn(kind, TEXTS * 3, vocab=SIZES[kind])) is not None


def test_a_vocabulary_whose_special_tokens_take_blanks_with_them_is_not_cut():
    tokenizer = learn("bytes", TEXTS, vocab=260)
    tokenizer.backend.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    assert cutting(tokenizer) is None


@pytest.mark.parametrize("words", [False, True])
def test_half_a_character_is_an_error_of_the_tokenizer(words):
    with pytest.raises(TokenizerError, match=r"U\+D800"):
        tokens("bytes", "a \ud800", words=words)
