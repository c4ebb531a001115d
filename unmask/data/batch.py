"""What a step learns from: rows of tokens, what is asked of them, and what the model needs to know of their layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

IGNORED = -100
"""The target of a place of which nothing is asked. torch's cross-entropy has the same."""


@dataclass(frozen=True)
class Batch:
    """B rows of T tokens. What an objective does not use is None.

    Args:
        tokens: int64 [B, T].
        targets: int64 [B, T], the token to be said at each place, or IGNORED. Not shifted by anyone later.
        positions: int64 [B, T], or [B, 2, T] for GLM (place in the corrupted text, place in the blank).
        segments: int64 [B, T], which text of a pair a token is in.
        documents: int64 [B, T], the document of each token of a packed row; other documents are not seen.
        lengths: int64 [B], tokens of each row that are no padding, which is on the right.
        prefixes: int64 [B], tokens at the beginning of each row that see one another freely (GLM's part A).
        pairs: int64 [B], 0 where the second text of a pair follows the first, 1 where it does not.
        memory: int64 [B, S], what an encoder reads for a decoder.
        memory_lengths: int64 [B], tokens of `memory` that are no padding.
    """

    tokens: Tensor
    targets: Tensor
    positions: Tensor | None = None
    segments: Tensor | None = None
    documents: Tensor | None = None
    lengths: Tensor | None = None
    prefixes: Tensor | None = None
    pairs: Tensor | None = None
    memory: Tensor | None = None
    memory_lengths: Tensor | None = None

    @property
    def asked(self) -> int:
        """Places whose token must be said."""
        return int((self.targets != IGNORED).sum())

    def tensors(self) -> dict[str, Tensor]:
        """Those that are there, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def to(self, device: torch.device) -> Batch:
        return Batch(**{name: value.to(device, non_blocking=True) for name, value in self.tensors().items()})

    def rows(self, begin: int, end: int) -> Batch:
        """Rows begin..end alone."""
        return Batch(**{name: value[begin:end] for name, value in self.tensors().items()})


def padded(rows: Sequence[Sequence[int]], fill: int, length: int | None = None) -> Tensor:
    """Rows of unequal length as one matrix, filled on the right: int64 [B, T], T the longest unless given."""
    size = max(map(len, rows), default=0) if length is None else length
    out = torch.full((len(rows), size), fill, dtype=torch.int64)
    for at, row in enumerate(rows):
        out[at, : len(row)] = torch.as_tensor(row, dtype=torch.int64)
    return out
