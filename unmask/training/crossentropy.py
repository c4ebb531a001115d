"""The cost of naming each token, without ever holding all scores: rows go in pieces, gradients are made on the way.

A vocabulary of V makes N x V scores, several times the memory of the rest of a small model. Here a piece of them is
made, its cost and its gradients are taken, and the next piece writes over it; nothing is computed twice. A piece is
what a product wants, many rows; between the products it goes slice by slice, each of which stays near the processor.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unmask.core.heads import MaskedToken
from unmask.core.widening import WideLinear
from unmask.data.batch import IGNORED

SCORES = 1 << 22
"""Scores held at a time: 16 MB of float32."""
SLICE = 1 << 19
"""Of these, how many are made into probabilities and gradients at a time."""
LEAST_ROWS = 512
"""Fewer would read and write the gradient of a large vocabulary too often."""


def token_loss(hidden: Tensor, head: nn.Module, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """The summed cross-entropy of targets [N] under `head`'s scores of hidden states [N, W]: a float32 scalar.

    Args:
        smoothing: the share of each target that is spread over the whole vocabulary. Source: Szegedy et al. 2016,
            section 7; Vaswani et al. 2017, section 5.4.
    """
    if isinstance(head, MaskedToken):
        hidden, head = head.prepared(hidden), head.out
    if not isinstance(head, nn.Linear):
        return plain_token_loss(hidden, head, targets, smoothing=smoothing)
    given = [hidden, head.weight, head.bias]
    if isinstance(head, WideLinear):
        given = [None if each is None else each.float() for each in given]
    total: Tensor = Pieces.apply(*given, targets, smoothing)  # type: ignore[no-untyped-call]
    return total


def plain_token_loss(hidden: Tensor, head: nn.Module, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """The same in one line, with all scores at once: the oracle, and the way of heads that are no plain matrix."""
    scores = head(hidden).float()
    return F.cross_entropy(scores, targets, ignore_index=IGNORED, label_smoothing=smoothing, reduction="sum")


class Pieces(torch.autograd.Function):
    """hidden [N, W], weight [V, W], bias [V] or None, targets [N], smoothing -> summed cost."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float
    ) -> Tensor:
        wants = any(ctx.needs_input_grad)
        to_hidden = torch.empty_like(hidden) if wants else None
        to_weight = torch.zeros_like(weight) if wants else None
        to_bias = torch.zeros_like(bias) if wants and bias is not None else None
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        rows = max(LEAST_ROWS, SCORES // weight.shape[0])
        for begin in range(0, hidden.shape[0], rows):
            piece, wanted = hidden[begin : begin + rows], targets[begin : begin + rows]
            scores = F.linear(piece, weight, bias)  # [R, V]
            few = max(1, SLICE // weight.shape[0])
            for some, theirs in zip(scores.split(few), wanted.split(few), strict=True):
                wide = some.float()
                total += spread(wide, theirs, smoothing)
                some.copy_(wide)  # nothing, where it is float32 itself
            if to_hidden is None or to_weight is None:
                continue
            torch.mm(scores, weight, out=to_hidden[begin : begin + rows])
            to_weight.addmm_(scores.T, piece)
            if to_bias is not None:
                to_bias += scores.sum(0)
        ctx.gradients = (to_hidden, to_weight, to_bias)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        gradients = [None if each is None else each.mul_(slope) for each in ctx.gradients]
        ctx.gradients = None
        return (*gradients, None, None)


def spread(scores: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The summed cost of scores [R, V]; they are overwritten by their gradient."""
    asked = (targets != IGNORED)[:, None]
    safe = targets[:, None].where(asked, 0)
    scores.sub_(scores.amax(1, keepdim=True))
    costs = scores.gather(1, safe) * (smoothing - 1)
    if smoothing:
        costs -= scores.mean(1, keepdim=True) * smoothing
    sums = scores.exp_().sum(1, keepdim=True)
    scores.mul_(asked / sums)
    if smoothing:
        scores.sub_(asked * (smoothing / scores.shape[1]))
    scores.scatter_add_(1, safe, asked * (smoothing - 1))
    return ((costs + sums.log()) * asked).sum()
