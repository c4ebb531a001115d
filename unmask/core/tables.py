"""Look-up tables."""

from __future__ import annotations

import torch
from torch import nn

SPREAD = 0.02
"""Standard deviation of an embedding's first weights. Source: GPT (Radford et al. 2018), section 4.1."""


def table(rows: int, width: int) -> nn.Embedding:
    """A trainable look-up table [rows, width].

    Drawn uniformly, not normally: where a checkpoint will fill it, it is made on the meta device, and there torch's
    `normal_` first imports its whole compiler, which takes three seconds.
    """
    edge = SPREAD * 3**0.5
    start = torch.empty(rows, width).uniform_(-edge, edge)
    made: nn.Embedding = nn.Embedding.from_pretrained(start, freeze=False)
    return made
