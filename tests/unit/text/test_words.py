"""Words and sentences begin where a reader would say."""

from __future__ import annotations

import sys

import pytest

from unmask.base.errors import MissingExtra
from unmask.text.words import sentence_starts, units, word_starts


def cut(text, starts):
    return [text[begin:end] for begin, end in zip(starts, [*starts, len(text)][1:], strict=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't pay 3.14, Mr Fox!", ["Don't", " ", "pay", " ", "3.14", ",", " ", "Mr", " ", "Fox", "!"]),
        ("南京市长江大桥", ["南京市", "长江大桥"]),
        ("我们用GPT写代码。", ["我们", "用", "GPT", "写", "代码", "。"]),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_those_of_a_chinese_dictionary(text, words):
    assert cut(text, word_starts(text)) == words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He came. He saw! Did he? Yes.", ["He came. ", "He saw! ", "Did he? ", "Yes."]),
        ("It cost 3.5 dollars. “Really?” She left.", ["It cost 3.5 dollars. ", "“Really?” ", "She left."]),
        ("今天下雨。“去吗？”他问。不去！", ["今天下雨。", "“去吗？”", "他问。", "不去！"]),
        ("A title\nThe text", ["A title\n", "The text"]),
        ("no stop here", ["no stop here"]),
    ],
)
def test_sentences_end_at_marks_and_lines(text, sentences):
    assert cut(text, sentence_starts(text)) == sentences


def test_blanks_before_a_sentence_are_not_its_beginning():
    assert sentence_starts("  One.\n\n  Two.") == [2, 10]


def test_units_are_words_without_marks_and_single_ideographs():
    assert units("GPT-2，很好 ok") == ["GPT", "2", "很", "好", "ok"]


def test_chinese_words_without_the_dictionary_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtra, match=r"rjieba.*unmask\[chinese\]"):
        word_starts("今天")
    assert word_starts("no ideograph") == [0, 2, 3]
