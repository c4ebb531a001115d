"""Scores to weights: how attention spreads over the keys it may see.

Each gives weights that sum to one over the visible keys; exactly 0 on hidden ones, and all 0 where nothing is visible.
Scores are [..., T, S]; `visible` is bool, broadcastable to them, and None shows everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Distribution = Callable[[Tensor, Tensor | None], Tensor]


def softmax(scores: Tensor, visible: Tensor | None) -> Tensor:
    """Something for each visible key."""
    if visible is None:
        return scores.softmax(dim=-1)
    weights = scores.masked_fill(~visible, float("-inf")).softmax(dim=-1)
    return weights.masked_fill(~visible, 0.0)


def sparsemax(scores: Tensor, visible: Tensor | None) -> Tensor:
    """The nearest weights to the scores: exactly 0 for most keys. Source: Martins and Astudillo 2016, algorithm 1."""
    lifted = peaked(scores, visible)

    def threshold(count: Tensor, total: Tensor, _squares: Tensor) -> Tensor:
        return (total - 1) / count

    return (lifted - supported(lifted, threshold)).clamp(min=0)


def entmax(scores: Tensor, visible: Tensor | None) -> Tensor:
    """Between softmax and sparsemax, with alpha 1.5. Source: Peters et al. 2019, section 3 and algorithm 2."""
    lifted = peaked(scores, visible) / 2

    def threshold(count: Tensor, total: Tensor, squares: Tensor) -> Tensor:
        mean = total / count
        return mean - ((1 - squares + total * mean) / count).clamp(min=0).sqrt()

    return (lifted - supported(lifted, threshold)).clamp(min=0).square()


def hard(scores: Tensor, visible: Tensor | None) -> Tensor:
    """All on the best key, the first of equals; the gradient is the softmax's, straight through.

    Source: Bengio et al. 2013, section 4 ("straight-through").
    """
    soft = softmax(scores, visible)
    best = torch.zeros_like(soft).scatter(-1, soft.argmax(-1, keepdim=True), 1.0)
    best = best if visible is None else best.masked_fill(~visible, 0.0)
    return best + (soft - soft.detach())


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "softmax": softmax,
    "sparsemax": sparsemax,
    "entmax": entmax,
    "hard": hard,
}


def peaked(scores: Tensor, visible: Tensor | None) -> Tensor:
    """The scores, of which the greatest visible one is 0, and hidden ones minus infinity."""
    shown = scores if visible is None else scores.masked_fill(~visible, float("-inf"))
    return shown - shown.detach().amax(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)


def supported(lifted: Tensor, threshold: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    """What to take off each score [..., T, 1], so that the weights of those above it, the support, sum to one.

    The support is the longest run of the greatest scores that are above their own threshold, which `threshold` gives
    by their count, sum and sum of squares. It is found without, the threshold computed with a gradient.
    """
    with torch.no_grad():
        ordered = lifted.sort(-1, descending=True).values
        counts = torch.arange(1, lifted.shape[-1] + 1, device=lifted.device, dtype=lifted.dtype)
        above = ordered > threshold(counts, ordered.cumsum(-1), ordered.square().cumsum(-1))
        least = ordered.gather(-1, above.sum(-1, keepdim=True).clamp(min=1) - 1)
        support = (lifted >= least) & lifted.isfinite()
    inside, count = torch.where(support, lifted, 0.0), support.sum(-1, keepdim=True).clamp(min=1)
    return threshold(count.to(lifted.dtype), inside.sum(-1, keepdim=True), inside.square().sum(-1, keepdim=True))
