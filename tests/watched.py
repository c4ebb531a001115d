"""What must hold of watched attention, whatever the family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unmask.core.trace import Trace


def check_weights(kept: Trace, wanted: Sequence[Tensor]) -> None:
    """The weights are those of eager transformers, [B, H, T, S] a layer, and what is hidden is exactly 0."""
    assert list(kept.weights) == list(range(len(wanted)))
    for ours, theirs in zip(kept.weights.values(), wanted, strict=True):
        assert (ours - theirs).abs().max() < 1e-6
        assert (ours.sum(dim=-1) - 1).abs().max() < 1e-6
        assert torch.equal(ours[theirs == 0], torch.zeros_like(ours[theirs == 0]))
