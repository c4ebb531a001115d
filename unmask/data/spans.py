"""Where a text's blanks are: GLM's spans, whole sentences, or all of its end.

Source: GLM (Du et al. 2022), sections 2.1.1 and 2.1.2; the truncated lengths and the gaps are those of its release.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.data.rows import Ids, Span

Chances = NDArray[np.float64]

LONGEST = 39
"""Tokens of a blank; Poisson's distribution is cut off there, and at 1."""


def poisson(mean: float) -> Chances:
    """How likely a blank has at most 1 .. LONGEST tokens."""
    below = np.cumsum([mean**size / math.factorial(size) for size in range(1, LONGEST + 1)])
    chances: Chances = below / below[-1]
    return chances


def stretches(borders: Ids, begin: int, text: Ids, ends: frozenset[int]) -> list[Span]:
    """What lies between `borders` of the token row, without what ends a document.

    The text, in which they are counted, has one id of its own and then what the row has from `begin` on.
    """
    inside = slice(borders.searchsorted(begin, side="right"), borders.searchsorted(begin + len(text) - 1))
    edges = [1, *(borders[inside] - begin + 1).tolist(), len(text)]
    found = ((low, high - (int(text[high - 1]) in ends)) for low, high in pairwise(edges))
    return [(low, high) for low, high in found if low < high]


def drawn_lengths(room: int, share: float, chances: Chances, random: np.random.Generator) -> Ids:
    """Lengths of as many blanks as it takes to hide `share` of a text, where text and blanks fill `room` exactly.

    A blank adds two tokens to its text: the mask, and what ends it. So a text with m blanks has room - 2 m tokens.
    """
    sizes = chances.searchsorted(random.random(int(share * room) + 1), side="right") + 1
    wanted = (share * (room - 2 * np.arange(1, len(sizes) + 1))).astype(np.int64)
    return sizes[: int((sizes.cumsum() >= wanted).argmax()) + 1]


def placed(sizes: Ids, within: list[Span], random: np.random.Generator) -> list[Span]:
    """Blanks of these sizes in stretches of a text, in a random order; no two of a stretch touch.

    Each goes to a stretch, the likelier the more places are free there; those of a stretch lie at offsets drawn and
    sorted. What is longer than every stretch is shortened, and what no longer fits is left out.
    """
    sizes = np.minimum(random.permutation(sizes), max(high - low for low, high in within))
    left = [high - low + 1 for low, high in within]
    own: list[list[int]] = [[] for _ in within]
    for size, point in zip(sizes.tolist(), random.random(len(sizes)).tolist(), strict=True):
        free = list(accumulate(max(room - size, 0) for room in left))
        if free[-1] > 0:
            chosen = bisect_right(free, int(point * free[-1]))
            left[chosen] -= size + 1
            own[chosen].append(size)
    spans, points = [], iter(random.random(len(sizes)).tolist())
    for (low, _), mine, more in zip(within, own, left, strict=True):
        at = low
        for offset, size in zip(sorted(int(next(points) * (more + 1)) for _ in mine), mine, strict=True):
            spans.append((at + offset, at + offset + size))
            at += size + 1
    return [spans[index] for index in random.permutation(len(spans))]


def drawn_sentences(room: int, share: float, within: list[Span], random: np.random.Generator) -> tuple[int, list[Span]]:
    """Sentences, in a random order, that make up `share` of a text; and how much text then fits into `room`.

    A sentence that the end of that text splits counts as one.
    """
    shuffled = [within[index] for index in random.permutation(len(within))]
    blanks, spans = 0, shuffled
    while len(spans) > blanks:
        blanks += 1
        size = room - 2 * blanks
        spans = [(low, min(high, size)) for low, high in shuffled if low < size]
        enough = np.cumsum([high - low for low, high in spans]) >= int(share * size)
        spans = spans[: int(enough.argmax()) + 1] if enough.any() else spans
    return room - 2 * blanks, spans
