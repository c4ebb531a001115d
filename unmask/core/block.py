"""One layer: attention over the row, then a feed-forward over each token."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.core.attention import AttentionSpec
from unmask.core.caches import Cache
from unmask.core.feedforward import FeedForwardSpec
from unmask.core.masks import KernelMask
from unmask.core.norms import NormSpec
from unmask.core.positions import Turn
from unmask.core.residual import Residual


@dataclass(frozen=True)
class BlockSpec:
    """The parts of one layer."""

    attention: AttentionSpec
    feedforward: FeedForwardSpec
    norm: NormSpec
    residual: Residual

    def build(self, width: int) -> Block:
        return Block(self, width)


class Block(nn.Module):
    """What a BlockSpec builds."""

    def __init__(self, spec: BlockSpec, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.attention_norm = spec.norm.build(width)
        self.attention = spec.attention.build(width)
        self.feedforward_norm = spec.norm.build(width)
        self.feedforward = spec.feedforward.build(width)

    def forward(self, x: Tensor, *, layer: int, mask: KernelMask, turn: Turn | None, cache: Cache | None) -> Tensor:
        """x [B, T, W] -> [B, T, W]; see Attention for the rest."""

        def look(inner: Tensor) -> Tensor:
            out: Tensor = self.attention(inner, layer=layer, mask=mask, turn=turn, cache=cache)
            return out

        x = self.spec.residual.wire(x, self.attention_norm, look)
        return self.spec.residual.wire(x, self.feedforward_norm, self.feedforward)
