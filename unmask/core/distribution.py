"""Scores to weights: how attention spreads over the keys it may see."""

from __future__ import annotations

from torch import Tensor


def softmax(scores: Tensor, visible: Tensor | None) -> Tensor:
    """Weights that sum to one over the visible keys; exactly 0 on hidden ones, and all 0 where nothing is visible.

    Args:
        scores: [..., T, S].
        visible: bool, broadcastable to `scores`; None shows everything.
    """
    if visible is None:
        return scores.softmax(dim=-1)
    weights = scores.masked_fill(~visible, float("-inf")).softmax(dim=-1)
    return weights.masked_fill(~visible, 0.0)
