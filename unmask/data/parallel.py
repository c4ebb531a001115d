"""Batches for a model that reads a text and writes another: pairs of rows of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unmask.base.errors import DataError
from unmask.data.batch import IGNORED, Batch
from unmask.data.order import Order
from unmask.data.rows import Ids, fingerprint


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of unequal length, one after the other in `ids`; `bounds` [rows + 1] says where each begins."""

    ids: Ids
    bounds: Ids

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Ragged:
        arrays = [np.asarray(row, dtype=np.int64) for row in rows]
        return cls(np.concatenate(arrays), np.cumsum([0, *map(len, arrays)]))

    @property
    def sizes(self) -> Ids:
        return np.diff(self.bounds)

    def padded(self, rows: Ids, size: int, fill: int) -> Tensor:
        """Some rows as a matrix [B, size], filled on the right."""
        out = np.full((len(rows), size), fill, dtype=np.int64)
        for at, row in enumerate(rows):
            begin, end = self.bounds[row : row + 2]
            out[at, : end - begin] = self.ids[begin:end]
        return torch.from_numpy(out)


@dataclass(frozen=True, eq=False)
class Parallel:
    """Texts and what is to be written for each, both ended by the end id.

    Args:
        empty: the lines, counted from 1, that were left out since one of their sides says nothing.
        cut: how many pairs lost the end of a side, which was longer than a row.
    """

    sources: Ragged
    targets: Ragged
    empty: tuple[int, ...]
    cut: int

    @property
    def fingerprint(self) -> str:
        parts = (self.sources.ids, self.sources.bounds, self.targets.ids, self.targets.bounds)
        return hashlib.blake2b(b"".join(part.tobytes() for part in parts), digest_size=16).hexdigest()


def parallel(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, end: int, length: int) -> Parallel:
    """Pairs from ids without any marks; a row has at most `length` tokens, `end` included.

    Raises:
        DataError: if there are not as many sources as targets, or nothing is left of them.
    """
    if len(sources) != len(targets):
        raise DataError(
            "There are {sources} lines to be read and {targets} to be written; each needs the other. Check the files.",
            sources=len(sources),
            targets=len(targets),
        )
    if length < 2:
        raise DataError(
            "A row of {length} tokens is too short for this objective; it takes {least} at least. Raise the context.",
            length=length,
            least=2,
        )
    pairs = list(zip(sources, targets, strict=True))
    empty = tuple(line for line, pair in enumerate(pairs, start=1) if not all(map(len, pair)))
    kept = [pair for pair in pairs if all(map(len, pair))]
    if not kept:
        raise DataError("None of {lines} pairs of lines has text on both sides. Check the files.", lines=len(pairs))
    return Parallel(
        sources=Ragged.of([*source[: length - 1], end] for source, _ in kept),
        targets=Ragged.of([*target[: length - 1], end] for _, target in kept),
        empty=empty,
        cut=sum(max(map(len, pair)) >= length for pair in kept),
    )


class PairBatches:
    """Sources as `memory`; targets after `start`, and each next token of them to be said.

    Rows are padded to the longest of their step, so that they are the same in whatever parts they are asked for.

    Args:
        rows: of a step, those of all processes together.
        start: what the decoder reads first: Marian's is its `pad`.
    """

    def __init__(self, pairs: Parallel, *, rows: int, seed: int, start: int, pad: int) -> None:
        self.pairs = pairs
        self.rows = rows
        self.start = start
        self.pad = pad
        self.order = Order(len(pairs.targets.sizes), seed)
        self.fingerprint = fingerprint("pairs", pairs.fingerprint, rows, seed, start, pad)

    def batch(self, step: int, rows: range) -> Batch:
        samples = range(step * self.rows, (step + 1) * self.rows)
        chosen = np.array([self.order.place(sample)[1] for sample in samples])
        own, sources, targets = chosen[rows.start : rows.stop], self.pairs.sources, self.pairs.targets
        size = int(targets.sizes[chosen].max())
        said = targets.padded(own, size, IGNORED)
        tokens = torch.full_like(said, self.start)
        tokens[:, 1:] = said[:, :-1]
        lengths = torch.from_numpy(targets.sizes[own])
        return Batch(
            tokens=tokens.where(torch.arange(size) < lengths[:, None], self.pad),
            targets=said,
            lengths=lengths,
            memory=sources.padded(own, int(sources.sizes[chosen].max()), self.pad),
            memory_lengths=torch.from_numpy(sources.sizes[own]),
        )
