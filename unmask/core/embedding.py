"""Ids to vectors: a row for each token, and one for each position where the family learns those."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.core.init import table
from unmask.core.positions import LearnedSpec


@dataclass(frozen=True)
class EmbeddingSpec:
    """The tables that a family's input needs."""

    vocab: int
    positions: LearnedSpec | None = None

    def build(self, width: int) -> Embedding:
        return Embedding(self, width)


class Embedding(nn.Module):
    """What an EmbeddingSpec builds."""

    def __init__(self, spec: EmbeddingSpec, width: int) -> None:
        super().__init__()
        self.tokens = table(spec.vocab, width)
        self.positions = spec.positions.build(width) if spec.positions else None

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """tokens [B, T] at positions [B or 1, T] -> [B, T, W]."""
        x: Tensor = self.tokens(tokens)
        return x if self.positions is None else x + self.positions(positions)
