"""One layer: attention over the row, perhaps over an encoder's memory too, then a feed-forward over each token."""

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
    """The parts of one layer; `memory` is how it looks at what an encoder left, None if it does not."""

    attention: AttentionSpec
    feedforward: FeedForwardSpec
    norm: NormSpec
    residual: Residual
    memory: AttentionSpec | None = None

    def build(self, width: int) -> Block:
        return Block(self, width)


@dataclass(frozen=True)
class Memory:
    """What an encoder left for a decoder.

    Args:
        hidden: [M, S, W], each for B / M rows in turn; with a cache, only what that does not hold yet.
        mask: which of all S each token may see.
        cache: of its keys and values, so that they are made once for all steps.
    """

    hidden: Tensor
    mask: KernelMask
    cache: Cache | None = None


class Block(nn.Module):
    """What a BlockSpec builds."""

    def __init__(self, spec: BlockSpec, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.attention_norm = spec.norm.build(width)
        self.attention = spec.attention.build(width)
        self.memory_norm = spec.norm.build(width) if spec.memory else None
        self.memory_attention = spec.memory.build(width) if spec.memory else None
        self.feedforward_norm = spec.norm.build(width)
        self.feedforward = spec.feedforward.build(width)
        self.dropout: nn.Module = nn.Identity()

    def forward(
        self,
        x: Tensor,
        *,
        layer: int,
        mask: KernelMask,
        turn: Turn | None,
        cache: Cache | None,
        memory: Memory | None = None,
    ) -> Tensor:
        """x [B, T, W] -> [B, T, W]; see Attention for the rest."""

        def look(inner: Tensor) -> Tensor:
            out: Tensor = self.dropout(self.attention(inner, layer=layer, mask=mask, turn=turn, cache=cache))
            return out

        def recall(inner: Tensor) -> Tensor:
            assert memory is not None, "blocks that look at a memory are given one"
            assert self.memory_attention is not None
            # Rows that look at one memory line up as queries of it, so no key is ever repeated.
            memories, (count, length, width) = len(memory.hidden), inner.shape
            rows = inner.reshape(memories, count // max(memories, 1) * length, width)  # a batch may be empty
            mixed = self.memory_attention(
                rows, layer=layer, mask=memory.mask, turn=None, cache=memory.cache, memory=memory.hidden
            )
            out: Tensor = self.dropout(mixed.view_as(inner))
            return out

        def think(inner: Tensor) -> Tensor:
            out: Tensor = self.dropout(self.feedforward(inner))
            return out

        x = self.spec.residual.wire(x, self.attention_norm, look)
        if self.memory_norm is not None:
            x = self.spec.residual.wire(x, self.memory_norm, recall)
        return self.spec.residual.wire(x, self.feedforward_norm, think)
