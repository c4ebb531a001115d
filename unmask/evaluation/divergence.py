"""How far one model's guesses are from another's: what rounding its weights did to a model, token by token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.evaluation.perplexity import Perplexity, foreseen, measured
from unmask.evaluation.windows import Reading, Window

FEW = 5
"""The likeliest tokens whose overlap is counted."""


@dataclass(frozen=True)
class Divergence:
    """Kullback-Leibler divergence of a model from a reference, in nats for each judged token, and what they agree on.

    Source: Kullback and Leibler 1951, section 2; the sum over the vocabulary is weighted by the reference.
    """

    reference: Perplexity
    model: Perplexity
    mean: float
    high: float
    """99 of 100 tokens have at most this."""
    first: float
    """Share of places where both find the same token likeliest."""
    few: float
    """Share of the reference's five likeliest tokens that are among the model's five."""


def divergence(reference: Reading, model: Reading, windows: Iterable[Window]) -> Divergence:
    """Compare two models of one vocabulary, some rows of scores at a time."""
    parts = [
        compared(wanted, given, ids)
        for window in windows
        for (wanted, ids), (given, _) in zip(reference(window), model(window), strict=True)
    ]
    theirs, ours, *others = zip(*parts, strict=True)
    apart, first, few = (torch.cat(each).double() for each in others)
    return Divergence(
        reference=measured(theirs),
        model=measured(ours),
        mean=float(apart.mean()),
        high=float(apart.quantile(0.99)),
        first=float(first.mean()),
        few=float(few.mean()),
    )


def compared(wanted: Tensor, given: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of scores [R, V]: log-probabilities of the ids by both, divergence, same first, overlap of few; each [R]."""
    target, guess = wanted.log_softmax(dim=-1), given.log_softmax(dim=-1)
    apart = (target.exp() * (target - guess)).sum(dim=-1)
    best, found = wanted.topk(FEW).indices, given.topk(FEW).indices
    few = (best[:, :, None] == found[:, None]).any(dim=-1).double().mean(dim=-1)
    return foreseen(wanted, ids), foreseen(given, ids), apart, best[:, 0] == found[:, 0], few
