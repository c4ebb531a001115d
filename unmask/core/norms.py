"""Normalization of one vector by its own statistics."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class LayerNormSpec:
    """Zero mean, unit variance, then scale and shift. Source: Ba et al. 2016, section 3."""

    eps: float = 1e-5

    def build(self, width: int) -> nn.LayerNorm:
        return nn.LayerNorm(width, eps=self.eps)


@dataclass(frozen=True)
class RMSNormSpec:
    """Unit root mean square, then scale; no mean, no shift. Source: Zhang and Sennrich 2019, section 4."""

    eps: float = 1e-6

    def build(self, width: int) -> nn.RMSNorm:
        return nn.RMSNorm(width, eps=self.eps)


NormSpec = LayerNormSpec | RMSNormSpec
