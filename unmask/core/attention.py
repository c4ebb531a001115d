"""Attention: project, turn, remember, attend, project back."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.alignment import Alignment, ScaledDot
from unmask.core.caches import Cache
from unmask.core.kernels import Kernel, attend
from unmask.core.masks import Full, KernelMask, Mask
from unmask.core.norms import NormSpec
from unmask.core.positions import Rotary, Turn

SCALED_DOT = ScaledDot()
FULL = Full()


@dataclass(frozen=True)
class AttentionSpec:
    """Multi-head attention; fewer key heads than heads make it grouped, one makes it multi-query.

    `mask` narrows the trunk's mask in this layer (a window, say). `bias` is that of query, key and value.
    Sources: Vaswani et al. 2017, section 3.2.2; multi-query: Shazeer 2019, section 3; grouped: Ainslie et al. 2023,
    section 2.2; normalized queries and keys: Henry et al. 2020, section 2.
    """

    heads: int
    kv_heads: int
    head_width: int
    position: Rotary | None = None
    qk_norm: NormSpec | None = None
    bias: bool = False
    out_bias: bool = False
    alignment: Alignment = SCALED_DOT
    mask: Mask = FULL

    def __post_init__(self) -> None:
        if self.kv_heads < 1 or self.heads % self.kv_heads:
            raise SpecError(
                "{heads} heads cannot share {kv_heads} key heads evenly; kv_heads must divide heads.",
                heads=self.heads,
                kv_heads=self.kv_heads,
            )

    def build(self, width: int) -> Attention:
        return Attention(self, width)


class Attention(nn.Module):
    """What an AttentionSpec builds. `kernel` may be swapped, by a trace for one that keeps its weights."""

    kernel: Kernel

    def __init__(self, spec: AttentionSpec, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.query = nn.Linear(width, spec.heads * spec.head_width, bias=spec.bias)
        self.key = nn.Linear(width, spec.kv_heads * spec.head_width, bias=spec.bias)
        self.value = nn.Linear(width, spec.kv_heads * spec.head_width, bias=spec.bias)
        self.out = nn.Linear(spec.heads * spec.head_width, width, bias=spec.out_bias)
        self.query_norm = spec.qk_norm.build(spec.head_width) if spec.qk_norm else nn.Identity()
        self.key_norm = spec.qk_norm.build(spec.head_width) if spec.qk_norm else nn.Identity()
        self.kernel = attend

    def forward(
        self,
        x: Tensor,
        *,
        layer: int,
        mask: KernelMask,
        turn: Turn | None,
        cache: Cache | None,
        memory: Tensor | None = None,
    ) -> Tensor:
        """Mix what each token of x [B, T, W] may see: [B, T, W]. With a cache that is all that was given so far.

        `memory` [B, S, W] is what keys and values are made of, where that is not x itself. Source: Vaswani et al. 2017,
        section 3.2.3, "encoder-decoder attention".
        """
        seen = x if memory is None else memory
        query = self.query_norm(self.split(self.query(x)))  # [B, T, H, D]
        key = self.key_norm(self.split(self.key(seen)))  # [B, S, K, D]
        query, key = query.transpose(1, 2), key.transpose(1, 2)  # [B, H, T, D]
        value = self.split(self.value(seen)).transpose(1, 2)
        if turn is not None:
            query, key = turn.apply(query), turn.apply(key)
        if cache is not None:
            key, value = cache.extend(layer, key, value)  # [B, K, S, D]
        mixed = self.kernel(query, key, value, mask, self.spec.alignment)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def split(self, x: Tensor) -> Tensor:
        heads: Tensor = x.unflatten(-1, (-1, self.spec.head_width))
        return heads
