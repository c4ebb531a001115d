"""How well a query and a key agree: the first of attention's three steps (align, mask, mix)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ScaledDot:
    """Dot product over the root of the head's width. Source: Vaswani et al. 2017, section 3.2.1.

    `divisor` divides the scores once more; GPT-2's layer-scaled variant is the case for it.
    """

    divisor: float = 1.0

    def scale(self, head_width: int) -> float:
        return 1.0 / (math.sqrt(head_width) * self.divisor)


@dataclass(frozen=True)
class Dot:
    """Plain dot product. Source: Luong et al. 2015, section 3.1."""

    def scale(self, head_width: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine:
    """The angle's cosine, times `sharpness`. Source: Graves et al. 2014, section 3.3.1, where that is learnt."""

    sharpness: float = 10.0

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return scores(Dot(), F.normalize(query, dim=-1) * self.sharpness, F.normalize(key, dim=-1))


@dataclass(frozen=True)
class Gaussian:
    """Nearness, not learnt: under a softmax, what is read is the Nadaraya-Watson estimate with a Gaussian kernel.

    `spread`: the kernel's standard deviation. Sources: Nadaraya 1964; Watson 1964.
    """

    spread: float

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return (query[..., :, None, :] - key[..., None, :, :]).square().sum(-1) / (-2 * self.spread**2)


class General(nn.Module):
    """Dot product with what a matrix makes of the key. Source: Luong et al. 2015, section 3.1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        keys: Tensor = self.key(memory)
        return keys

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return scores(Dot(), query, key)


class Additive(nn.Module):
    """A layer over query and key. Source: Bahdanau et al. 2015, appendix A.1.2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        keys: Tensor = self.key(memory)
        return keys

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return judged(self.score, self.query(query), key)


class Concat(nn.Module):
    """A layer over query and key as one row; the key's part of it is made once. Source: Luong et al. 2015, 3.1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.both = nn.Linear(2 * width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        keys: Tensor = self.both(F.pad(memory, (memory.shape[-1], 0)))
        return keys

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        return judged(self.score, self.both(F.pad(query, (0, query.shape[-1]))), key)


def judged(score: nn.Module, query: Tensor, key: Tensor) -> Tensor:
    """What `score` makes of each pair's hidden units: query [..., T, D] and key [..., S, D] to [..., T, S]."""
    out: Tensor = score((query[..., :, None, :] + key[..., None, :, :]).tanh())
    return out.squeeze(-1)


class Location(nn.Module):
    """By the query alone: a score for each place, up to `length`. Source: Luong et al. 2015, equation 8."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.place = nn.Linear(width, length, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        return memory

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        places: Tensor = self.place(query)[..., : key.shape[-2]]
        return places


Alignment = ScaledDot | Dot
"""Those of a Transformer."""

Learnt = General | Additive | Concat | Location
AnyAlignment = Alignment | Cosine | Gaussian | Learnt
ALIGNMENTS: Mapping[str, Callable[[int, int], AnyAlignment]] = {
    "additive": lambda width, _: Additive(width),
    "dot": lambda *_: Dot(),
    "scaled-dot": lambda *_: ScaledDot(),
    "general": lambda width, _: General(width),
    "concat": lambda width, _: Concat(width),
    "cosine": lambda *_: Cosine(),
    "location": lambda width, context: Location(width, context),
    "gaussian": lambda width, _: Gaussian(spread=width**0.25),  # distances grow with the width, as products do
}
"""By the width of queries and keys, and the longest text."""


def scores(alignment: AnyAlignment, query: Tensor, key: Tensor) -> Tensor:
    """query [..., T, D] and key [..., S, D] to scores [..., T, S]."""
    if isinstance(alignment, ScaledDot | Dot):
        return (query * alignment.scale(query.shape[-1])) @ key.transpose(-2, -1)
    return alignment.scores(query, key)


def keys(alignment: AnyAlignment, memory: Tensor) -> Tensor:
    """What queries are held against, made once of the memory [..., S, W]: [..., S, D]."""
    return alignment.keys(memory) if isinstance(alignment, Learnt) else memory
