"""Batches for a model that reads a text and writes another: pairs of rows of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.batch import IGNORED, Batch
from unmask.data.order import Epochs
from unmask.data.rows import Ids, fingerprint

GROWTH = 1.1
"""The longest of a bucket is so many times that of the one before: rows are padded by about a tenth at the most."""


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
        length: the most tokens that a row has room for.
        empty: the lines, counted from 1, that were left out since one of their sides says nothing.
        cut: how many pairs lost the end of a side, which was longer than a row.
    """

    sources: Ragged
    targets: Ragged
    length: int
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
        length=length,
        empty=empty,
        cut=sum(max(map(len, pair)) >= length for pair in kept),
    )


class PairBatches:
    """Sources as `memory`; targets after `start`, and each next token of them to be said.

    Pairs of similar length make a step, so that little of it is padding: short ones by the hundred, long ones by the
    dozen. An epoch has every pair once, in other company each time.
    Source: buckets by length, Sutskever et al. 2014, section 3.4; by tokens, Vaswani et al. 2017, section 5.1.

    Args:
        rows: of full length that a step has room for, those of all processes together: with pairs of `length` tokens a
            side it holds at most rows * length tokens a side, padding counted. It can be asked for in so many parts.
        start: what the decoder reads first: Marian's is its `pad`.

    `steps` is how many an epoch has.
    """

    def __init__(self, pairs: Parallel, *, rows: int, seed: int, start: int, pad: int) -> None:
        self.pairs = pairs
        self.rows = rows
        self.seed = seed
        self.start = start
        self.pad = pad
        longer = np.maximum(pairs.sources.sizes, pairs.targets.sizes)
        bounds = bucket_bounds(pairs.length)
        buckets = np.searchsorted(bounds, longer)
        self.members = [np.flatnonzero(buckets == bucket) for bucket in range(len(bounds))]
        self.sizes = [rows * pairs.length // bound for bound in bounds]
        self.epochs = Epochs(self.planned)
        self.steps = len(self.epochs[0])
        self.fingerprint = fingerprint("pairs", pairs.fingerprint, rows, seed, start, pad)

    def planned(self, epoch: int) -> list[Ids]:
        """Which pairs are in each step of an epoch; there are as many steps in each."""
        chance = stream(self.seed, "buckets", epoch)
        made, left = list[Ids](), np.empty(0, dtype=np.int64)
        for members, size in zip(self.members, self.sizes, strict=True):
            here = chance.permutation(np.concatenate([left, members]))
            full = len(here) - len(here) % size
            made += [here[at : at + size] for at in range(0, full, size)]
            left = here[full:]  # too few to fill a step: they go with longer ones
        made += [left] if len(left) else []
        return [made[at] for at in chance.permutation(len(made))]

    def batch(self, step: int, rows: range) -> Batch:
        """The share of the step's pairs that these rows are of all."""
        epoch, turn = divmod(step, self.steps)
        chosen = self.epochs[epoch][turn]
        begin, end = (at * len(chosen) // self.rows for at in (rows.start, rows.stop))
        own, sources, targets = chosen[begin:end], self.pairs.sources, self.pairs.targets
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


def bucket_bounds(longest: int) -> list[int]:
    """The longest rows of each bucket, up to `longest`."""
    bounds = [1]
    while bounds[-1] < longest:
        bounds.append(min(longest, max(bounds[-1] + 1, int(bounds[-1] * GROWTH))))
    return bounds
