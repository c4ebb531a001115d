"""Ids to vectors: a row for each token, and what its position, its segment and its place in a blank add to that."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.core.norms import NormSpec
from unmask.core.positions import LearnedSpec, PositionSpec
from unmask.core.tables import table


@dataclass(frozen=True)
class EmbeddingSpec:
    """The tables that a family's input needs.

    `segments` tells the texts of a pair apart. Source: BERT (Devlin et al. 2019), section 3, "Input/Output".
    `blanks` says where in a blank a token stands, 0 outside of blanks. Source: GLM (Du et al. 2022), section 2.1.2.
    `scaled` multiplies the tokens' rows by the root of the width. Source: Vaswani et al. 2017, section 3.4.
    """

    vocab: int
    positions: PositionSpec | None = None
    segments: int | None = None
    norm: NormSpec | None = None
    blanks: LearnedSpec | None = None
    scaled: bool = False

    def build(self, width: int) -> Embedding:
        return Embedding(self, width)


class Embedding(nn.Module):
    """What an EmbeddingSpec builds."""

    def __init__(self, spec: EmbeddingSpec, width: int) -> None:
        super().__init__()
        self.first = spec.positions.first if isinstance(spec.positions, LearnedSpec) else 0
        self.scale = width**0.5 if spec.scaled else 1.0
        self.tokens = table(spec.vocab, width)
        self.positions = spec.positions.build(width) if spec.positions else None
        self.segments = table(spec.segments, width) if spec.segments else None
        self.blanks = spec.blanks.build(width) if spec.blanks else None
        self.norm = spec.norm.build(width) if spec.norm else nn.Identity()
        self.dropout: nn.Module = nn.Identity()

    def forward(self, tokens: Tensor, positions: Tensor, segments: Tensor | None = None) -> Tensor:
        """tokens [B, T] at positions [B or 1, T] -> [B, T, W]; segments [B, T], None is all of the first.

        Where there is a table of blanks, positions may be [B or 1, 2, T]: those in the row, and those in a blank.
        """
        x: Tensor = self.tokens(tokens)
        if self.scale != 1.0:
            x = x * self.scale
        if self.segments is not None:
            x = x + (self.segments.weight[0] if segments is None else self.segments(segments))
        if self.blanks is not None:
            positions, within = positions.unbind(1) if positions.dim() == 3 else (positions, None)
            x = x + (self.blanks.weight[0] if within is None else self.blanks(within))
        if self.positions is not None:
            x = x + self.positions(positions + self.first).to(x.dtype)
        out: Tensor = self.dropout(self.norm(x))
        return out
