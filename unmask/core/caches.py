"""Keys and values of the tokens already seen, passed into a forward and never kept by a module."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from unmask.base.errors import ContextError


class Cache(Protocol):
    """What attention asks of any cache. Only the trunk advances it, once all layers have extended it."""

    slots: int
    """Slots filled in every layer: the slot of the next token."""

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write key and value [B, K, T, D] after the filled slots; all of the layer's so far, [B, K, S, D]."""
        ...

    def advance(self, count: int) -> None:
        """Count the slots that all layers have written."""
        ...


class StaticCache:
    """Room for `capacity` tokens, set aside once, so that a step copies nothing but its own keys and values.

    Args:
        shapes: (key heads, head width) of each layer.
        dtype: what is kept; keys and values go in and come out in their own.
    """

    def __init__(
        self,
        shapes: list[tuple[int, int]],
        *,
        batch: int,
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.slots = 0
        self.capacity = capacity
        self.keys = [torch.empty(batch, h, capacity, d, dtype=dtype, device=device) for h, d in shapes]
        self.values = [torch.empty_like(key) for key in self.keys]
        self.spare: Tensor | None = None

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """See Cache.

        Raises:
            ContextError: if the tokens do not fit into the capacity.
        """
        end = self.slots + key.shape[2]
        if end > self.capacity:
            raise ContextError(
                "The cache has room for {context} tokens and {tokens} were to be kept. Ask for a larger capacity.",
                context=self.capacity,
                tokens=end,
            )
        self.keys[layer][:, :, self.slots : end] = key
        self.values[layer][:, :, self.slots : end] = value
        return self.keys[layer][:, :, :end].to(key.dtype), self.values[layer][:, :, :end].to(value.dtype)

    def advance(self, count: int) -> None:
        self.slots += count

    def reorder(self, rows: Tensor) -> None:
        """Let row i become what row rows[i] was; there are then as many rows as `rows` [B] names."""
        if len(rows) == len(self.keys[0]):
            moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero()[:, 0]
            if 2 * len(moved) <= len(rows):
                for kept in (*self.keys, *self.values):
                    kept[moved, :, : self.slots] = kept[rows[moved], :, : self.slots]
                return
        self.keys = [self.picked(key, rows) for key in self.keys]
        self.values = [self.picked(value, rows) for value in self.values]

    def picked(self, kept: Tensor, rows: Tensor) -> Tensor:
        """Some rows of keys or values [B, K, capacity, D], as far as they are filled, where the ones before were."""
        shape, made = (len(rows), *kept.shape[1:]), self.spare
        if made is None or made.shape != shape:
            made = kept.new_empty(shape)
        torch.index_select(kept[:, :, : self.slots], 0, rows, out=made[:, :, : self.slots])
        self.spare = kept
        return made
