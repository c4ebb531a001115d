"""The weights that learn: float32 whatever the model computes in, with their moments and, if asked, their mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from unmask.training.settings import TrainSettings

MOMENTS = ("exp_avg", "exp_avg_sq")
"""torch's names of AdamW's two means of each gradient."""


class Weights:
    """A model's trainable weights by name. Where the model computes in bfloat16, they are float32 copies of its own.

    A model's parameters may be pieces of tensors that several processes share: then so are these.
    """

    def __init__(self, model: nn.Module, settings: TrainSettings) -> None:
        self.used = {name: each for name, each in model.named_parameters() if each.requires_grad}
        self.kept = {name: kept(each) for name, each in self.used.items()}
        self.copies = [name for name, each in self.used.items() if each is not self.kept[name]]
        self.optimizer = torch.optim.AdamW(
            groups(self.kept, settings.optimizer.decay),
            lr=settings.optimizer.rate,
            betas=settings.optimizer.betas,
            eps=settings.optimizer.epsilon,
            fused=True,
        )
        self.decay = settings.average
        self.mean = {name: each.detach().clone() for name, each in self.kept.items()} if self.decay is not None else {}

    def collect(self) -> None:
        """Move what the model's own gradients are into those of the float32 weights, added to what they are."""
        for name in self.copies:
            found = self.used[name].grad
            if found is not None:
                mine = self.kept[name]
                mine.grad = found.float() if mine.grad is None else mine.grad.add_(found)
                self.used[name].grad = None

    def clip(self, largest: float | None) -> Tensor:
        """Scale the gradient down to a norm of `largest`; the norm it had. It is 0 where a step asked nothing."""
        for each in self.kept.values():
            if each.grad is None:  # all have taken as many steps, and in all processes the same
                each.grad = torch.zeros_like(each)
        gradients = [each.grad for each in self.kept.values() if each.grad is not None]
        norm = whole(nn.utils.get_total_norm(gradients, foreach=True))
        if largest is not None:
            nn.utils.clip_grads_with_norm_(list(self.kept.values()), largest, norm, foreach=True)
        return norm

    def step(self, rate: float) -> None:
        """Learn from the gradient, and forget it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.decay is not None:
            torch._foreach_lerp_(
                list(self.mean.values()), [each.detach() for each in self.kept.values()], 1 - self.decay
            )
        self.give(self.kept)

    def forget(self) -> None:
        """Drop the gradient."""
        self.optimizer.zero_grad(set_to_none=True)
        for name in self.copies:
            self.used[name].grad = None

    @torch.no_grad()
    def give(self, values: dict[str, Tensor]) -> None:
        """Let the model compute with these weights."""
        for name in self.copies if values is self.kept else self.used:
            self.used[name].copy_(values[name])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """For as long as this lasts, the model computes with the mean of its weights, where one is kept."""
        if not self.mean:
            yield
            return
        before = {name: each.detach().clone() for name, each in self.used.items()}
        self.give(self.mean)
        try:
            yield
        finally:
            self.give(before)

    @property
    def best(self) -> dict[str, Tensor]:
        """What is to be saved as the result: the mean if one is kept, else the weights; float32."""
        return self.mean or {name: each.detach() for name, each in self.kept.items()}

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on, by name."""
        moments = {
            f"{kind}.{name}": self.optimizer.state[each][kind]
            for name, each in self.kept.items()
            for kind in MOMENTS
            if each in self.optimizer.state
        }
        weights = {f"weight.{name}": each.detach() for name, each in self.kept.items()}
        return weights | moments | {f"mean.{name}": each for name, each in self.mean.items()}

    def begin(self, step: int) -> None:
        """Make the moments as they are before any step, but after `step` of them: what is read goes in there."""
        for each in self.kept.values():
            self.optimizer.state[each] = {
                "step": torch.tensor(float(step), device=each.device if each.is_cuda else None),
                **{kind: torch.zeros_like(each) for kind in MOMENTS},
            }


def kept(weight: nn.Parameter) -> Tensor:
    """The float32 form of a weight: itself if it is one."""
    return weight if weight.dtype == torch.float32 else weight.detach().float().requires_grad_()


def groups(weights: dict[str, Tensor], decay: float) -> list[dict[str, object]]:
    """AdamW's two groups: matrices and tables decay, vectors do not."""
    return [
        {"params": [each for each in weights.values() if each.dim() > 1], "weight_decay": decay},
        {"params": [each for each in weights.values() if each.dim() < 2], "weight_decay": 0.0},
    ]


def whole(value: Tensor) -> Tensor:
    """A tensor of several processes as each of them sees it whole."""
    if type(value) is Tensor:
        return value
    from torch.distributed.tensor import DTensor  # a second's import, for runs that have such

    return cast(DTensor, value).full_tensor()
