"""What holds of documents, chunks and series whatever the text is."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.cleaning import tidy
from unmask.data.documents import Document, read
from unmask.data.series import Series, SeriesWriter
from unmask.data.tokens import Encoder
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import learn
from unmask.text.words import sentence_starts, word_starts

PIECES = [
    *("the", " cat", "sat", " ", "  ", "\n", "\n\n", " \n ", "\t", "\r\n", "\u3000", "\xa0", "\x0b", "\x1c", "\x85"),
    *(
        "'s",
        "'",
        ".",
        "...",
        "。",
        "今天天气",
        "公园",
        "é",
        "e\u0301",
        "12",
        "½",
        "😀",
        "a-b",
        ",",
        "ok!",
        "_",
        "▁",
        "<0x41>",
        "\u200b",
    ),
    *("[MASK]", "<|endoftext|>", "</s>", "ǅ", "İ", "\ufeff", "\u2028"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join)
LEARN = ["the cat sat. the cat's 12 cats  sat\n\nthere", "今天天气很好。公园里有猫", "the 今天 é 😀"] * 3
SIZES = {"bytes": 320, "wordpiece": 100, "unigram": 340, "characters": 40}


@cache
def tokenizer(kind: str) -> Tokenizer:
    return learn(kind, LEARN, vocab=SIZES[kind])


@cache
def encoder(kind: str) -> Encoder:
    return Encoder(tokenizer(kind), words=False, sentences=False)


@pytest.mark.parametrize("kind", SIZES)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, max_size=4))
def test_ids_looked_up_chunk_by_chunk_are_the_librarys(kind: str, texts: list[str]):
    wanted = [list(tokenizer(kind).encode(text, special=False).ids) for text in texts]
    end = [] if encoder(kind).end is None else [encoder(kind).end]
    assert [each.ids.tolist() for each in encoder(kind).bare(texts)] == [ids + end if ids else [] for ids in wanted]


@pytest.mark.parametrize("kind", SIZES)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_every_text_with_tokens_begins_with_a_word_and_a_sentence(kind: str, text: str):
    [found] = Encoder(tokenizer(kind), words=True, sentences=True).with_spans([text])
    assert found.heads is not None
    assert found.sentences is not None
    assert len(found.heads) == len(found.ids)
    if len(found.ids):
        assert found.heads[0]
        assert found.sentences[0] == 0
        assert (np.diff(found.sentences) > 0).all()
        assert found.sentences[-1] < len(found.ids)


@given(text=TEXTS)
def test_words_and_sentences_begin_within_the_text_one_after_the_other(text: str):
    for starts in (word_starts(text), sentence_starts(text)):
        assert starts == sorted(set(starts))
        assert all(0 <= at < len(text) for at in starts)
    assert all(not text[at].isspace() for at in sentence_starts(text))


@given(text=TEXTS)
def test_tidy_text_is_tidied_no_further(text: str):
    assert tidy(tidy(text)) == tidy(text)


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, 65_535), max_size=60), limit=st.integers(1, 20), cuts=st.data())
def test_any_slice_of_a_series_is_that_of_its_numbers(numbers: list[int], limit: int, cuts: st.DataObject):
    with tempfile.TemporaryDirectory() as place:
        writer = SeriesWriter(Path(place), "tokens", "<u2", limit)
        at = 0
        while at < len(numbers):
            size = cuts.draw(st.integers(1, 30))
            writer.append(np.array(numbers[at : at + size], np.int64))
            at += size
        writer.close()
        series = Series(Path(place), writer.manifest())
        series.verify()
        assert series.size == len(numbers)
        begin = cuts.draw(st.integers(0, len(numbers)))
        end = cuts.draw(st.integers(begin, len(numbers)))
        assert series.slice(begin, end).tolist() == numbers[begin:end]


@settings(deadline=None)
@given(lines=st.lists(st.text(st.characters(exclude_characters="\0\r\n\ufeff", exclude_categories=["Cs"])), max_size=8))
def test_lines_of_a_file_are_its_documents_in_order(lines: list[str]):
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "a.txt"
        file.write_bytes("\n".join(lines).encode())
        wanted = [Document(f"{file}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]
        assert list(read(file, by="line")) == wanted
