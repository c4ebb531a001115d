"""Documents in a shuffled order packed into rows of one length: long ones are split, only the last row is padded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmask.base.streams import stream
from unmask.data.batch import IGNORED
from unmask.data.order import Epochs, Order
from unmask.data.rows import Ids, TokenRow


@dataclass(frozen=True)
class Layout:
    """The documents of an epoch in their order, and where each begins when they are laid end to end."""

    order: Ids
    begins: Ids


@dataclass(frozen=True)
class PackedRow:
    """Of each of T places: its token, the token to be said there, the document it is of, and where in it (all [T])."""

    tokens: Ids
    targets: Ids
    documents: Ids
    positions: Ids


class Packing:
    """Every epoch lays all documents end to end, in an order of its own, and visits the rows of that by chance.

    A document that the end of a row splits goes on in another as if it began there, but what is before the split still
    has to say what is after it. A document's last token is asked nothing: it knows of no other document.
    Source: Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination".
    """

    def __init__(self, corpus: TokenRow, *, length: int, seed: int) -> None:
        self.corpus = corpus
        self.length = length
        self.seed = seed
        self.rows = Order(-(-corpus.tokens // length), seed)
        self.layouts = Epochs(self.layout)

    def layout(self, epoch: int) -> Layout:
        sizes = np.diff(self.corpus.bounds)
        order = stream(self.seed, "documents", epoch).permutation(np.arange(len(sizes), dtype=np.int64))
        return Layout(order, np.concatenate(([0], sizes[order].cumsum())))

    def row(self, sample: int) -> PackedRow:
        """The row that is sample number `sample` of all. What an epoch's last row lacks is document -1."""
        epoch, index = self.rows.place(sample)
        layout, begin = self.layouts[epoch], index * self.length
        end = min(begin + self.length, self.corpus.tokens)
        tokens, targets, documents, positions = np.zeros((4, self.length), dtype=np.int64)
        targets[:], documents[end - begin :] = IGNORED, -1
        first = int(layout.begins.searchsorted(begin, side="right")) - 1
        for number in range(first, int(layout.begins.searchsorted(end))):
            laid, after = (int(each) for each in layout.begins[number : number + 2])
            start, stop = max(begin, laid), min(end, after)
            place = int(self.corpus.bounds[layout.order[number]]) - laid
            piece = self.corpus.slice(start + place, min(stop + 1, after) + place)
            at, size = start - begin, stop - start
            tokens[at : at + size] = piece[:size]
            targets[at : at + len(piece) - 1] = piece[1:]
            documents[at : at + size] = number - first
            positions[at : at + size] = np.arange(size)
        return PackedRow(tokens, targets, documents, positions)
