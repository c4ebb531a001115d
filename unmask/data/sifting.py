"""Which documents are learnt from: clean ones, each once, good ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from unmask.data.cleaning import LENIENT, Cleaning, tidy
from unmask.data.documents import Document
from unmask.data.duplicates import Duplicates, Exact, Near
from unmask.data.quality import Quality


@dataclass(frozen=True)
class Preparation:
    """How documents become a corpus.

    Args:
        cleaning: what is left out of tidied texts; None takes all as they are.
        duplicates: leave out what was there before: "exact", the same text but for blanks and capitals, or "near".
        quality: leave out what this classifier does not keep.
        validation: share of the documents held out to be judged by, by a hash of their text; 0 holds none out.
        tail: hold out the end of each document instead, of the same share: for a few long documents.
        words: keep where words begin (whole-word masks). Chinese needs the extra `chinese`.
        sentences: keep where sentences begin (next sentence prediction; sentence blanks).
        shard: tokens of a file.
    """

    cleaning: Cleaning | None = LENIENT
    duplicates: Literal["exact", "near"] | None = "exact"
    quality: Quality | None = None
    validation: float = 0.05
    tail: bool = False
    words: bool = False
    sentences: bool = False
    shard: int = 1 << 26


USUAL = Preparation()


def sift(documents: Iterable[Document], preparation: Preparation, counts: Counter[str]) -> Iterator[str]:
    """The texts to learn from. `counts` gets what was "read", and each reason for which a text was left out."""
    known: dict[str, Duplicates] = {"exact": Exact(), "near": Near()}
    before = None if preparation.duplicates is None else known[preparation.duplicates]
    for document in documents:
        counts["read"] += 1
        text = document.text if preparation.cleaning is None else tidy(document.text)
        reason = unwanted(text, preparation, before)
        if reason is None:
            yield text
        else:
            counts[reason] += 1


def unwanted(text: str, preparation: Preparation, before: Duplicates | None) -> str | None:
    """Why a text is left out; None if it is not. What is left out for another reason is no duplicate of anything."""
    if not text or text.isspace():
        return "empty"
    reason = None if preparation.cleaning is None else preparation.cleaning.reason(text)
    if reason is not None:
        return reason
    if before is not None and before.seen(text):
        return "duplicate"
    return None if preparation.quality is None or preparation.quality.keeps(text) else "quality"
