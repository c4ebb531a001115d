"""What a trunk's hidden states are read out as."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class NextTokenSpec:
    """A score for each token of the vocabulary; tied to the embedding, it reads with the rows it writes with.

    Source of tying: Press and Wolf 2017, section 2.
    """

    tied: bool

    def build(self, width: int, tokens: nn.Embedding) -> nn.Linear:
        head = nn.Linear(width, tokens.num_embeddings, bias=False)
        if self.tied:
            head.weight = tokens.weight
        return head
