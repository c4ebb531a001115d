"""Who may see whom: predicates over a query's slot and a key's slot, joined with `&` and `|`.

A slot is the order of a token in its row, counted from 0 and through the cache. It is not the position that
rotary and tables see: a left-padded row has slots 0, 1, 2, ... but its first real token is at position 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import MaskError


class Mask(ABC):
    """A predicate that says which keys a query may see."""

    @abstractmethod
    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        """bool, broadcastable to [B, T, S], for query slots [1, T, 1] and key slots [1, 1, S]."""

    def __and__(self, other: Mask) -> Mask:
        return Both(self, other)

    def __or__(self, other: Mask) -> Mask:
        return Either(self, other)


@dataclass(frozen=True)
class Full(Mask):
    """Everyone sees everyone: encoders."""

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return torch.ones_like(query, dtype=torch.bool) & torch.ones_like(key, dtype=torch.bool)


@dataclass(frozen=True)
class Causal(Mask):
    """See oneself and what came before: decoders."""

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return key <= query


@dataclass(frozen=True)
class Window(Mask):
    """See the nearest `length` slots up to and with oneself. Source: Longformer (Beltagy et al. 2020), section 3.1."""

    length: int

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return (query - key) < self.length


@dataclass(frozen=True)
class Both(Mask):
    """What both masks show; written `left & right`."""

    left: Mask
    right: Mask

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return self.left.visible(query, key) & self.right.visible(query, key)


@dataclass(frozen=True)
class Either(Mask):
    """What at least one mask shows; written `left | right`."""

    left: Mask
    right: Mask

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return self.left.visible(query, key) | self.right.visible(query, key)


@dataclass(frozen=True, eq=False)
class PerRow(Mask):
    """A mask with one number for each row of the batch.

    Raises:
        MaskError: if the numbers are not a vector of integers. Their values are never inspected.
    """

    numbers: Tensor  # [B]

    def __post_init__(self) -> None:
        if self.numbers.dim() != 1 or self.numbers.is_floating_point():
            raise MaskError(
                "{mask} wants one integer for each row, a vector [B]; it was given shape {shape} of {dtype}.",
                mask=type(self).__name__,
                shape=list(self.numbers.shape),
                dtype=self.numbers.dtype,
            )

    @property
    def column(self) -> Tensor:
        return self.numbers[:, None, None]  # [B, 1, 1]


class Prefix(PerRow):
    """Show the first `numbers` slots of each row to all; join it as `Causal() | Prefix(lengths)`.

    Source: GLM (Du et al. 2022), section 2.1.1, where the prefix is part A.
    """

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return key < self.column


class LeftPadding(PerRow):
    """Hide the first `numbers` slots of each row: what a batch of unequal prompts needs."""

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return key >= self.column


class RightPadding(PerRow):
    """Hide all but the first `numbers` slots of each row: what a batch of unequal texts needs."""

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        return key < self.column


@dataclass(frozen=True, eq=False)
class SameDocument(Mask):
    """Hide the other texts of a row in which several stand side by side; join it as `Causal() & SameDocument(ids)`.

    For a whole pass: a cache would need the ids of its slots too.

    Raises:
        MaskError: if `documents` is not a matrix of integers, or, once it is used, not as long as the rows.
    """

    documents: Tensor  # [B, T], the text that each token is in

    def __post_init__(self) -> None:
        if self.documents.dim() != 2 or self.documents.is_floating_point():
            raise MaskError(
                "SameDocument wants one integer for each token, a matrix [B, T]; it was given shape {shape} of "
                "{dtype}.",
                shape=list(self.documents.shape),
                dtype=self.documents.dtype,
            )

    def visible(self, query: Tensor, key: Tensor) -> Tensor:
        if self.documents.shape[1] != key.shape[2]:
            raise MaskError(
                "SameDocument has the documents of {have} tokens, and a query could see {want}. Give one for each.",
                have=self.documents.shape[1],
                want=key.shape[2],
            )
        return self.documents[:, query[0]] == self.documents[:, key[0]]


@dataclass(frozen=True)
class KernelMask:
    """A mask in the form a kernel takes, made once for all layers of a forward.

    `dense` is bool [B or 1, 1, T, S]. Without it, `causal` hides the upper triangle and nothing else is hidden.
    `bias` [B or 1, H, T, S] is added to the scores, minus infinity where `dense` hides. `lengths` [B] says it shorter
    where `dense` hides all but the first so many keys of each row, and nothing else.
    """

    causal: bool = False
    dense: Tensor | None = None
    bias: Tensor | None = None
    lengths: Tensor | None = None

    def biased(self, bias: Tensor) -> KernelMask:
        """The same, with bias [1, H, T, S] added to the scores."""
        visible = self.visible(bias.shape[2], bias.device)
        return KernelMask(dense=visible, bias=bias if visible is None else bias.masked_fill(~visible, float("-inf")))

    def visible(self, length: int, device: torch.device) -> Tensor | None:
        """The mask spelt out, for the explicit kernel; None shows everything."""
        if self.causal:
            return torch.ones(length, length, dtype=torch.bool, device=device).tril()
        return self.dense


def kernel_mask(mask: Mask, *, start: int, length: int, device: torch.device) -> KernelMask:
    """The cheapest exact form of `mask` for queries in slots start..start+length and keys in all slots up to there.

    Chosen by the mask's type and the sizes; what a mask holds is never inspected.
    """
    mask = simplified(mask, slots=start + length)
    if isinstance(mask, Full) or (isinstance(mask, Causal) and length == 1):
        return KernelMask()
    if isinstance(mask, Causal) and start == 0:
        return KernelMask(causal=True)
    key = torch.arange(start + length, device=device)
    dense = mask.visible(key[None, start:, None], key[None, None, :])[:, None]
    return KernelMask(dense=dense, lengths=mask.numbers if isinstance(mask, RightPadding) else None)


def simplified(mask: Mask, *, slots: int) -> Mask:
    """The same mask over rows of `slots` slots, without what hides nothing there."""
    if isinstance(mask, Window) and mask.length >= slots:
        return Full()
    if isinstance(mask, Both):
        left, right = simplified(mask.left, slots=slots), simplified(mask.right, slots=slots)
        if isinstance(left, Full):
            return right
        return left if isinstance(right, Full) else left & right
    return mask
