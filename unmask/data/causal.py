"""Batches for a model that says each next token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.batch import Batch
from unmask.data.packing import Packing
from unmask.data.pieces import Pieces
from unmask.data.rows import Ids, TokenRow, fingerprint

Cut = Literal["packed", "stream", "crops"]


class CausalBatches:
    """Rows of `length` tokens, and after each the next.

    Args:
        rows: of a step, those of all processes together.
        cut: "packed" keeps documents apart, and each begins at position 0. "stream" cuts the row of all tokens into
            pieces, and only the end tokens tell documents apart: GPT-3 (Brown et al. 2020), appendix B. "crops" begins
            each row anywhere, so that there are no epochs.
    Raises:
        DataError: if there is less text than a row takes, or `length` is below 1.
    """

    def __init__(self, corpus: TokenRow, *, rows: int, length: int, seed: int, cut: Cut = "packed") -> None:
        check_row(length, least=1)
        self.corpus = corpus
        self.rows = rows
        self.length = length
        self.seed = seed
        self.cut = cut
        self.fingerprint = fingerprint("causal", corpus.fingerprint, rows, length, seed, cut)
        self.pieces = Pieces(corpus, length=length, more=1, seed=seed)
        self.packing = Packing(corpus, length=length, seed=seed)

    def batch(self, step: int, rows: range) -> Batch:
        samples = range(step * self.rows + rows.start, step * self.rows + rows.stop)
        if self.cut == "packed":
            packed = [self.packing.row(sample) for sample in samples]
            return Batch(
                tokens=stacked([row.tokens for row in packed]),
                targets=stacked([row.targets for row in packed]),
                documents=stacked([row.documents for row in packed]),
                positions=stacked([row.positions for row in packed]),
            )
        if self.cut == "stream":
            spans = [self.pieces.span(sample) for sample in samples]
        else:
            drawn = stream(self.seed, "crops", step).integers(self.corpus.tokens - self.length, size=self.rows)
            spans = [(begin, begin + self.length + 1) for begin in drawn[rows.start : rows.stop].tolist()]
        ids = stacked([self.corpus.slice(*span) for span in spans])
        return Batch(tokens=ids[:, :-1].contiguous(), targets=ids[:, 1:].contiguous())


def stacked(rows: Sequence[Ids]) -> Tensor:
    """Rows of one length as a matrix [B, T]."""
    return torch.from_numpy(np.stack(rows))


def check_row(length: int, *, least: int) -> None:
    """Refuse rows that cannot hold even the smallest thing to be learnt."""
    if length < least:
        raise DataError(
            "A row of {length} tokens is too short for this objective; it takes {least} at least. Raise the context.",
            length=length,
            least=least,
        )
