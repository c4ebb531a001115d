"""What a run will cost, told before it starts: found by making one step on the meta device, which computes nothing.

So the plan knows of every matrix and every kept tensor of every model, and follows the code when that changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unmask.base.runtime import resolve_dtype
from unmask.core.alignment import Alignment
from unmask.core.attention import Attention
from unmask.core.heads import MaskedToken
from unmask.core.live import Live
from unmask.core.masks import KernelMask
from unmask.core.memory import process_memory
from unmask.core.widening import WideKernel, wants_widening, widen_to_learn
from unmask.training.crossentropy import token_loss
from unmask.training.run import recompute
from unmask.training.settings import TrainSettings

META = torch.device("meta")
BACK = 3
"""Forward and backward together, in forwards: the gradient goes to what a matrix was given and to the matrix.

Source: Kaplan et al. 2020, section 2.1 and table 1.
"""
SHARE = 0.4
"""Of the speed of a plain matrix product, what training reaches here, about (bench/train.py: 0.3 to 0.65)."""
MEASURED = 0.5
"""Seconds that the speed of a product is measured for."""


@dataclass(frozen=True)
class Work:
    """What a step reads.

    Args:
        rows, length: of it, all processes together.
        asked: the share of the tokens that must be said.
        forward: (model, rows) -> hidden states [rows, T, W] of meta tensors.
    """

    rows: int
    length: int
    asked: float
    forward: Callable[[Any, int], Tensor]


@dataclass(frozen=True)
class Plan:
    """What a run takes. Memory in bytes, of one process; time in seconds.

    Args:
        parameters: of the model, shared ones counted once.
        tokens: read in all steps, padding counted.
        flops: of all steps: 6 for each token and parameter that it meets, and those of attention.
            Sources: Kaplan et al. 2020, section 2.1; PaLM (Chowdhery et al. 2022), appendix B.
        weights: that learn, and those that compute where these are others.
        gradients: of both.
        optimizer: AdamW's two means, and the mean of the weights where it is kept.
        activations: what one micro-batch keeps for its way back, at the most.
        runtime: of Python and its libraries, where they are in the same memory.
        speed: of a plain matrix product here, in FLOP/s.
        share: of it that training reaches, about.
        checkpoints: on the disk, all that stay.
    """

    parameters: int
    tokens: int
    flops: float
    weights: int
    gradients: int
    optimizer: int
    activations: int
    runtime: int
    speed: float
    checkpoints: int
    share: float = SHARE

    @property
    def memory(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations + self.runtime

    @property
    def seconds(self) -> float:
        """About."""
        return self.flops / (self.speed * self.share)


def plan(spec: Any, settings: TrainSettings, work: Work, device: torch.device, *, measured: float = MEASURED) -> Plan:
    """The plan of training what `spec` builds; the speed of a product is measured for so many seconds."""
    dtype = resolve_dtype(settings.dtype)
    with META:
        model = spec.build().to(dtype)
    wide = wants_widening(dtype, device)
    if wide:
        widen_to_learn(model)
    parameters = sum(each.numel() for each in model.parameters())
    if settings.checkpointing:
        recompute(model)
    live, count = Live(), Count()
    for each in model.parameters():
        live.add(each.untyped_storage())
    held = live.now
    rows = min(settings.micro_rows or work.rows, work.rows)
    with count.watching(model), live:
        hidden = work.forward(model, rows).flatten(0, 1)
        hidden = hidden[: max(1, round(work.asked * len(hidden)))]
        cost = token_loss(hidden, model.head, torch.zeros(len(hidden), dtype=torch.int64, device=META))
    out = model.head.out if isinstance(model.head, MaskedToken) else model.head
    forward = count.flops + 2 * len(hidden) * out.weight.numel()
    with live:
        cost.backward()
    gradients = sum(each.grad.nbytes for each in model.parameters() if each.grad is not None)
    copies = 0 if dtype == torch.float32 else 4 * parameters
    means = 2 + (settings.average is not None)
    return Plan(
        parameters=parameters,
        tokens=settings.steps * work.rows * work.length,
        flops=settings.steps * BACK * forward * work.rows / rows,
        weights=held + copies,
        gradients=gradients + copies,
        optimizer=4 * means * parameters,
        activations=max(0, live.peak - held - gradients),
        runtime=process_memory(device),
        speed=product_speed(torch.float32 if wide else dtype, device, measured),
        checkpoints=settings.keep * 4 * (1 + means) * parameters,
    )


class Count:
    """Counts the arithmetic of a forward: of matrices, and of attention, whose kernel it takes the place of."""

    def __init__(self) -> None:
        self.flops = 0

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        hooks = [part.register_forward_hook(self.matrix) for part in model.modules() if isinstance(part, nn.Linear)]
        for part in model.modules():
            if isinstance(part, Attention):
                part.kernel = WideKernel(self.attend) if isinstance(part.kernel, WideKernel) else self.attend
        yield
        for hook in hooks:
            hook.remove()

    def matrix(self, part: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        self.flops += 2 * out.numel() * given[0].shape[-1]

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
        self.flops += 4 * query.numel() * key.shape[2]
        mixed: Tensor = Flash.apply(query, key, value)  # type: ignore[no-untyped-call]
        return mixed


class Flash(torch.autograd.Function):
    """What a fused kernel keeps for its way back, and nothing of what it computes: on the meta device torch's own
    would keep all weights of attention."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mixed = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, mixed)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.empty_like(each) for each in ctx.saved_tensors[:3])


def product_speed(dtype: torch.dtype, device: torch.device, seconds: float) -> float:
    """FLOP/s of a matrix product as a layer has it."""
    left, right = (torch.randn(1024, 1024, device=device).to(dtype) for _ in range(2))
    made, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        # Its sum is waited for, so that a device that works on by itself is not asked for more than it can do.
        float((left @ right).sum())
        made += 1
    return made * 2 * 1024**3 / took
