"""Documents made clean, and those told apart that are hardly text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from unmask.text.words import IDEOGRAPHS, UNIT, units

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
BLANKS = (" ", "\t", "\xa0", "\u3000")
TRAILING = re.compile(rf"(?<![{''.join(BLANKS)}])[{''.join(BLANKS)}]++$", re.MULTILINE)
GAPS = re.compile(r"\n{3,}")
BULLETS = ("•", "‣", "▪", "●", "○", "■", "□", "◦", "·", "-", "*", "\u2013", "\u2014")
ELLIPSES = ("...", "…")
CHINESE = re.compile(rf"[{IDEOGRAPHS}]")
ENGLISH_WORD = 4.7  # letters


def tidy(text: str) -> str:
    """The text in Unicode's composed form (NFC), without control characters, blanks at line ends, and wide gaps."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if CONTROLS.search(text):
        text = CONTROLS.sub("", text)
    # Most texts have none of these, and to look for a mark is quicker than for a pattern.
    if any(blank + "\n" in text for blank in BLANKS) or text.endswith(BLANKS):
        text = TRAILING.sub("", text)
    if "\n\n\n" in text:
        text = GAPS.sub("\n\n", text)
    return text.strip("\n")


@dataclass(frozen=True)
class Cleaning:
    """Which documents are left out, after `tidy`; by itself only those without a word.

    A word is a run of letters and digits, or an ideograph. None, or nothing, asks nothing.

    Args:
        shortest: least words, 1 at least.
        longest: most words.
        word_length: least and most letters of a word on average, where most words are no ideographs.
        symbols: most "#", and most "...", for a word.
        bullets: most lines that begin with a bullet, of all.
        ellipses: most lines that end in "...", of all.
        letters: least words with a letter, of all.
        repeated_lines: most lines that were there before, of all; the same of paragraphs.
        repeated_text: most characters that are in such lines, of all; the same of paragraphs.
        phrases: most characters that the commonest phrase of 2, 3, ... words takes, of all.
        echoes: most characters that are in phrases of 5, 6, ... words that were there before, of all.
    Source: Gopher (Rae et al. 2021), appendix A.1.1, whose figures are GOPHER; its rule on English words like "the" is
        left out.
    """

    shortest: int = 1
    longest: int | None = None
    word_length: tuple[float, float] | None = None
    symbols: float | None = None
    bullets: float | None = None
    ellipses: float | None = None
    letters: float | None = None
    repeated_lines: float | None = None
    repeated_text: float | None = None
    phrases: tuple[float, ...] = ()
    echoes: tuple[float, ...] = ()

    def reason(self, text: str) -> str | None:
        """Why a tidy text is left out, in a word or two; None if it is not."""
        page = Page(text)
        return next((name for name, broken in self.rules(page) if broken), None)

    def rules(self, page: Page) -> Iterator[tuple[str, bool]]:
        """Each rule that is asked for, and whether the page breaks it; the cheap ones first."""
        yield "short", next(islice(UNIT.finditer(page.text), self.shortest - 1, None), None) is None
        if self.longest is not None:
            yield "long", len(page.words) > self.longest
        if self.word_length is not None:
            yield "word length", not self.word_length[0] <= page.word_length <= self.word_length[1]
        if self.symbols is not None:
            marks = max(page.text.count("#"), sum(map(page.text.count, ELLIPSES)))
            yield "symbols", marks > self.symbols * len(page.words)
        if self.bullets is not None:
            yield "bullets", share(line.lstrip().startswith(BULLETS) for line in page.lines) > self.bullets
        if self.ellipses is not None:
            yield "ellipses", share(line.rstrip().endswith(ELLIPSES) for line in page.lines) > self.ellipses
        if self.letters is not None:
            yield "letters", share(any(map(str.isalpha, word)) for word in page.words) < self.letters
        yield from self.repetitions(page)

    def repetitions(self, page: Page) -> Iterator[tuple[str, bool]]:
        if self.repeated_lines is not None:
            share_again = max(len(repeated(parts)) / len(parts) for parts in (page.lines, page.paragraphs))
            yield "repeated lines", share_again > self.repeated_lines
        if self.repeated_text is not None:
            size_again = max(sum(map(len, repeated(parts))) for parts in (page.lines, page.paragraphs))
            yield "repeated text", size_again > self.repeated_text * len(page.text)
        for size, limit in enumerate(self.phrases, start=2):
            yield "repeated phrases", page.commonest(size) > limit
        for size, limit in enumerate(self.echoes, start=5):
            yield "repeated phrases", page.echoed(size) > limit


LENIENT = Cleaning()
GOPHER = Cleaning(
    shortest=50,
    longest=100_000,
    word_length=(3, 10),
    symbols=0.1,
    bullets=0.9,
    ellipses=0.3,
    letters=0.8,
    repeated_lines=0.3,
    repeated_text=0.2,
    phrases=(0.2, 0.18, 0.16),
    echoes=(0.15, 0.14, 0.13, 0.12, 0.11, 0.1),
)


@dataclass(frozen=True)
class Page:
    """A text as the rules look at it, each part made when it is first asked for."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        return units(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return [line for line in self.text.split("\n") if line.strip()]

    @cached_property
    def paragraphs(self) -> list[str]:
        return [part.strip() for part in self.text.split("\n\n") if part.strip()]

    @cached_property
    def letters(self) -> int:
        """Characters of all words."""
        return sum(map(len, self.words))

    @property
    def word_length(self) -> float:
        """Of an ideograph none is asked: where they are most of the words, what English words have."""
        ideographs = len(CHINESE.findall(self.text))
        others = len(self.words) - ideographs
        return (self.letters - ideographs) / others if others > ideographs else ENGLISH_WORD

    def commonest(self, size: int) -> float:
        """The share of the characters that the commonest phrase of `size` words takes, if it is there twice."""
        phrases = Counter(zip(*(self.words[at:] for at in range(size)), strict=False))
        phrase, count = max(phrases.items(), key=lambda each: each[1], default=((), 0))
        return count * sum(map(len, phrase)) / self.letters if count > 1 else 0.0

    def echoed(self, size: int) -> float:
        """The share of the characters that are in phrases of `size` words that were there before."""
        seen: set[tuple[str, ...]] = set()
        total = reached = 0
        for at, phrase in enumerate(zip(*(self.words[at:] for at in range(size)), strict=False)):
            if phrase in seen:
                total += sum(map(len, self.words[max(at, reached) : at + size]))
                reached = at + size
            seen.add(phrase)
        return total / self.letters if self.letters else 0.0


def share(those: Iterator[bool]) -> float:
    """How many of them are true, of all."""
    found = list(those)
    return sum(found) / len(found) if found else 0.0


def repeated(parts: Sequence[str]) -> list[str]:
    """Those that were there before."""
    seen: set[str] = set()
    again = []
    for part in parts:
        if part in seen:
            again.append(part)
        seen.add(part)
    return again
