"""A row's keys and values in blocks that need not be neighbours, and may be another row's beginning too."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class PagedCache:
    """The cache of one row, in blocks of storage that many rows use.

    Args:
        keys, values: of each layer [blocks, K, size, D], in what is kept; they go in and come out in their own.
        blocks: the row's own, in their order; enough for all that is written.
        slots: how many tokens they hold already.
    """

    def __init__(self, keys: Sequence[Tensor], values: Sequence[Tensor], blocks: Sequence[int], *, slots: int) -> None:
        self.keys = keys
        self.values = values
        self.size = keys[0].shape[2]
        self.blocks = torch.tensor(list(blocks), device=keys[0].device)
        self.slots = slots

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """See Cache; B is 1."""
        return self.extended(self.keys[layer], key), self.extended(self.values[layer], value)

    def extended(self, kept: Tensor, fresh: Tensor) -> Tensor:
        """Write fresh [1, K, T, D] after the filled slots; all of the row's so far, [1, K, S, D]."""
        end = self.slots + fresh.shape[2]
        slots = torch.arange(self.slots, end, device=kept.device)
        kept[self.blocks[slots // self.size], :, slots % self.size] = fresh[0].transpose(0, 1).to(kept.dtype)
        used = self.blocks[: -(-end // self.size)]
        whole = kept[used].transpose(0, 1).flatten(1, 2)  # [K, blocks * size, D]
        return whole[None, :, :end].to(fresh.dtype)

    def advance(self, count: int) -> None:
        """See Cache."""
        self.slots += count
