"""Pairs of texts that follow one another, or do not: what BERT's second task tells apart.

Source: BERT (Devlin et al. 2019), section 3.1, task 2, and appendix A.2; how pairs are cut is that of its release.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unmask.base.errors import DataError
from unmask.data.order import Order
from unmask.data.rows import Span, TokenRow


@dataclass(frozen=True)
class Pair:
    """Two texts; `apart` is 0 where the second follows the first, and 1 where it is of another document."""

    first: Span
    second: Span
    apart: int


class Neighbours:
    """Runs of whole sentences, side by side in the corpus: each but the last of a document is a row's tokens or more.

    A run is two sentences at least; a document's last sentence, if it is left alone, is joined by the one before it.
    A document of one sentence has no neighbours, and only serves others as what does not follow.

    Args:
        room: tokens of a pair.
        ends: ids that end a document; they are left out.
    Raises:
        DataError: if sentences are not known, or there are no two documents of which one has two sentences.
    """

    def __init__(self, corpus: TokenRow, *, room: int, ends: frozenset[int], seed: int) -> None:
        if corpus.sentences is None:
            raise DataError(
                "Pairs of sentences are asked for, but the corpus was prepared without sentences. Prepare it anew with "
                "them, or learn without pairs."
            )
        self.corpus = corpus
        self.room = room
        self.ends = ends
        self.begins = corpus.sentences
        self.documents = np.unique(self.begins.searchsorted(corpus.bounds))  # where each begins, in sentences
        self.runs = np.fromiter(self.cut(), dtype=np.dtype((np.int64, 2)))
        if not len(self.runs) or len(self.documents) < 3:
            raise DataError(
                "Pairs of sentences need two documents at least, and two sentences in one of them; the corpus has "
                "{documents} documents and {sentences} sentences. Give more text, or learn without pairs.",
                documents=len(self.documents) - 1,
                sentences=len(self.begins) - 1,
            )
        self.order = Order(len(self.runs), seed)

    def cut(self) -> Iterator[Span]:
        """Yield all runs, counted in sentences."""
        every = np.arange(len(self.begins) - 1)
        document = self.documents.searchsorted(every, side="right")
        full = self.begins.searchsorted(self.begins[:-1] + self.room)
        stops = np.minimum(np.maximum(full, every + 2), self.documents[document])
        at = 0
        while at < len(stops):
            stop = int(stops[at])
            begin = at if stop - at > 1 else max(at - 1, int(self.documents[document[at] - 1]))
            if stop - begin > 1:
                yield begin, stop
            at = stop

    def pair(self, sample: int, random: np.random.Generator) -> Pair:
        """Sample number `sample` of all: both parts of a run or, as often, its first part and a stranger."""
        begin, stop = (int(each) for each in self.runs[self.order.place(sample)[1]])
        middle = int(random.integers(begin + 1, stop))
        first = self.span(begin, middle)
        follows = random.random() < 0.5
        second = self.span(middle, stop) if follows else self.stranger(begin, self.room - size(first), random)
        kept = shortened(size(first), size(second), self.room, random)
        return Pair(part(first, kept[0]), part(second, kept[1]), apart=int(not follows))

    def stranger(self, begin: int, wanted: int, random: np.random.Generator) -> Span:
        """Sentences of another document than that of sentence `begin`: `wanted` tokens or more, if it has as many."""
        own = int(self.documents.searchsorted(begin, side="right")) - 1
        other = int(random.integers(len(self.documents) - 2))
        other += other >= own
        low, high = self.documents[other : other + 2]
        start = int(random.integers(low, high))
        stop = min(int(self.begins.searchsorted(self.begins[start] + max(wanted, 1))), int(high))
        return self.span(start, stop)

    def span(self, begin: int, stop: int) -> Span:
        """The tokens of some sentences of one document, without its end."""
        first, after = int(self.begins[begin]), int(self.begins[stop])
        return first, after - (int(self.corpus.slice(after - 1, after)[0]) in self.ends)


def size(span: Span) -> int:
    return span[1] - span[0]


def part(span: Span, kept: Span) -> Span:
    return span[0] + kept[0], span[0] + kept[1]


def shortened(first: int, second: int, room: int, random: np.random.Generator) -> tuple[Span, Span]:
    """What of two texts of so many tokens stays when they have `room`: (from, to) of each.

    Token after token is taken from the longer, and from the second where they are equal; from its front or its back
    with even chances.
    """
    excess = max(first + second - room, 0)
    uneven = min(excess, abs(first - second))
    even = excess - uneven
    from_first = even // 2 + (uneven if first > second else 0)
    from_second = excess - from_first
    front, back = (int(random.binomial(cut, 0.5)) for cut in (from_first, from_second))
    return (front, first - from_first + front), (back, second - from_second + back)
