"""Where words and sentences begin, in Chinese as in languages with blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from unmask.base.errors import MissingExtra

IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
LETTER = rf"[^\W{IDEOGRAPHS}]"  # or digit
PART = re.compile(rf"(?P<chinese>[{IDEOGRAPHS}]+)|{LETTER}+(?:['\u2019.,]{LETTER}+)*|\s+|[^\w\s]")
"""What runs together: ideographs, letters and digits (don't, 3.14), blanks; any other mark is alone."""
UNIT = re.compile(rf"[{IDEOGRAPHS}]|{LETTER}+")
OPENING, CLOSING = r"\"'(\[\u2018\u201c", r"\"')\]\u2019\u201d\u300b\u300d\u300f\uff09"
STOPS = r"\u3002\uff01\uff1f\u2026"  # full-width, and three dots
SENTENCE_END = re.compile(rf"[{STOPS}]+[{CLOSING}]*|[.!?]+[{CLOSING}]*(?=\s+[{OPENING}]*[A-Z\d])|\n")
VISIBLE = re.compile(r"\S")


def units(text: str) -> list[str]:
    """The words of a text without its marks, an ideograph a word: what can be counted without a dictionary."""
    return UNIT.findall(text)


def word_starts(text: str) -> list[int]:
    """The characters with which words begin; a mark is a word, and so is a run of blanks.

    Raises:
        MissingExtra: if there are Chinese words and rjieba is not installed.
    """
    starts: list[int] = []
    for part in PART.finditer(text):
        at = part.start()
        if part["chinese"] is None:
            starts.append(at)
        else:
            for word in chinese_words(part[0]):
                starts.append(at)
                at += len(word)
    return starts


def sentence_starts(text: str) -> list[int]:
    """The characters with which sentences begin, blanks before them not counted; a line's end ends a sentence.

    Marks decide: what follows "Mr. " is taken for a sentence.
    """
    ends = [0, *(end.end() for end in SENTENCE_END.finditer(text))]
    return list(dict.fromkeys(at for end in ends for at in first_visible(text, end)))


def first_visible(text: str, at: int) -> Iterator[int]:
    found = VISIBLE.search(text, at)
    if found is not None:
        yield found.start()


def chinese_words(run: str) -> Sequence[str]:
    """The words of a run of Chinese characters, by jieba's dictionary.

    Raises:
        MissingExtra: if rjieba is not installed.
    """
    try:
        import rjieba
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Chinese words need {package}. Run: pip install 'unmask[chinese]'", package=error.name
        ) from error
    words: list[str] = rjieba.cut(run)
    return words
