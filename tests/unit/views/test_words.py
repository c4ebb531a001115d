from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import unmask
from unmask.core.trace import Trace
from unmask.generation.look import Look
from unmask.views.words import Word, group, merged, singles

Span = tuple[int, int]
# The dictionary is read when it is first needed.
LEISURELY = settings(deadline=None)


def look(text: str, spans: Sequence[Span], added: str = "[CLS]") -> Look:
    names = tuple(text[start:end] or added for start, end in spans)
    return Look(text, tuple(range(len(spans))), tuple(spans), names, Trace((), ()))


def pieces(*texts: str) -> Look:
    """A look whose tokens are these, one after another."""
    ends = [sum(map(len, texts[: at + 1])) for at in range(len(texts))]
    return look("".join(texts), [(end - len(text), end) for text, end in zip(texts, ends, strict=True)])


def texts(words: Sequence[Word]) -> list[str]:
    return [word.text for word in words]


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Any text in any tokens: some share a character, some were added around or between."""
    text = draw(st.text(alphabet="ab9 .,'\n猫坐在上，。é🙂ा", max_size=30))
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=12))})
    spans: list[Span] = []
    for start, end in pairwise(cuts):
        spans += [(start, end)] * draw(st.integers(1, 3))
        spans += [(end, end)] * draw(st.integers(0, 1))
    return look(text, spans or [(0, 0)])


@LEISURELY
@given(read=looks())
def test_every_token_is_in_exactly_one_word_in_order(read: Look):
    assert [token for word in group(read) for token in word.tokens] == list(range(len(read.ids)))


@LEISURELY
@given(read=looks())
def test_tokens_of_one_character_stay_together(read: Look):
    owner = {token: number for number, word in enumerate(group(read)) for token in word.tokens}
    for token in range(1, len(read.ids)):
        start, end = read.spans[token]
        if start < end and read.spans[token - 1] == (start, end):
            assert owner[token] == owner[token - 1]


@LEISURELY
@given(read=looks())
def test_a_token_that_was_added_is_alone(read: Look):
    for word in group(read):
        assert len(word.tokens) == 1 or all(read.spans[token][0] < read.spans[token][1] for token in word.tokens)


@LEISURELY
@given(read=looks(), seed=st.integers(0, 9))
def test_attention_between_words_is_the_mean_from_and_the_sum_to_their_tokens(read: Look, seed: int):
    words, count = group(read), len(read.ids)
    weights = torch.rand(2, count, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights /= weights.sum(-1, keepdim=True)
    found = merged(weights, words)
    for head in range(2):
        for row, reader in enumerate(words):
            for column, seen in enumerate(words):
                sums = [sum(float(weights[head, token, other]) for other in seen.tokens) for token in reader.tokens]
                assert float(found[head, row, column]) == pytest.approx(sum(sums) / len(sums), abs=1e-12)
    assert torch.allclose(found.sum(-1), torch.ones(2, len(words), dtype=torch.float64))


def test_a_word_ends_at_a_blank_or_a_mark():
    read = pieces("The", " un", "believ", "able", " Law", ",", " isn", "'t", " 3", ".", "14", ".")
    assert texts(group(read)) == ["The", "unbelievable", "Law", ",", "isn't", "3.14", "."]


def test_a_letter_and_the_marks_upon_it_are_one_word():
    assert texts(group(pieces("नम", "स", "्ते", " दु", "निया"))) == ["नमस्ते", "दुनिया"]


def test_blanks_that_stand_alone_are_visible():
    assert texts(group(pieces("a", " ", " b", "\n\n", "c", "\t"))) == ["a", "␣", "b", "⏎⏎", "c", "⇥"]


def test_control_tokens_are_words_of_their_own():
    read = look("hello", [(0, 0), (0, 5), (5, 5), (5, 5)], added="[SEP]")
    assert texts(group(read)) == ["[SEP]", "hello", "[SEP]", "[SEP]"]


def test_chinese_words_are_the_dictionarys():
    pytest.importorskip("rjieba")
    assert texts(group(pieces(*"小猫坐在垫子上，因为它累了。"))) == (
        ["小猫", "坐在", "垫子", "上", "，", "因为", "它", "累", "了", "。"]
    )


def test_without_a_dictionary_each_chinese_character_is_a_word(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert texts(group(pieces("小猫", "坐", "在", " the", " mat"))) == ["小猫", "坐", "在", "the", "mat"]


def test_a_token_across_two_words_joins_what_follows_to_them():
    assert texts(group(pieces("don", "'t-do", "ing", " it"))) == ["don't-doing", "it"]


def test_unmerged_each_token_is_a_word():
    read = pieces("un", "believ", "able", " ")
    assert [(word.text, word.tokens) for word in singles(read)] == [
        ("un", (0,)),
        ("believ", (1,)),
        ("able", (2,)),
        ("␣", (3,)),
    ]


def test_a_models_own_tokens_make_the_words_of_its_text(tiny_model: unmask.Model):
    read = tiny_model.trace("The quick brown fox, 一只猫.")
    assert "".join(texts(group(read))) == "The␣quick␣brown␣fox,␣一只猫."
    assert len(group(read)) < len(read.ids)
