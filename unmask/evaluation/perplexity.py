"""Perplexity: among how many tokens, as it were, a model wavers at each place of a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.evaluation.windows import Reading, Window


@dataclass(frozen=True)
class Perplexity:
    """The exponential of the mean negative log-probability of `tokens` tokens."""

    value: float
    error: float
    """Standard error of `value`, as if the tokens were independent."""
    tokens: int


def perplexity(read: Reading, windows: Iterable[Window]) -> Perplexity:
    """How well a model foresees the judged tokens. `windows` may be an iterator that shows how far the work is."""
    return measured([foreseen(scores, ids) for window in windows for scores, ids in read(window)])


def foreseen(scores: Tensor, ids: Tensor) -> Tensor:
    """Log-probabilities [R] of ids [R] by scores [R, V]."""
    return -torch.nn.functional.cross_entropy(scores, ids, reduction="none")


def measured(logprobs: Sequence[Tensor]) -> Perplexity:
    """The perplexity of tokens whose natural log-probabilities come in parts."""
    loss = -torch.cat(list(logprobs)).double()
    value = math.exp(float(loss.mean()))
    spread = float(loss.var(correction=0)) / max(len(loss) - 1, 1)
    return Perplexity(value=value, error=value * math.sqrt(spread), tokens=len(loss))
