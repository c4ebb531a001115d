"""A pass for processors without units for narrow types: many rows are multiplied in float32.

Weights stay in bfloat16 or float16, and one row reads them as they are, since then memory is what takes the time.
For many rows the arithmetic is, and there emulated bfloat16 is several times slower than widening the matrix first.
The result is the same: narrow products are summed in float32 either way, and rounded once.

An encoder reads whole texts only, so there all between its weights is float32 too: from its first norm on, nothing is
rounded, and attention, which would be emulated as well, is not.

What learns keeps all between its weights narrow, for memory; its products and its attention are widened each for
itself, on the way back as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unmask.core import surgery
from unmask.core.alignment import Alignment
from unmask.core.attention import Attention
from unmask.core.kernels import Kernel
from unmask.core.masks import KernelMask
from unmask.core.transformer import Transformer

ROWS = 32
"""From here on widening wins (docs/LOG.md, 2026-11-22)."""

UNITS = {torch.bfloat16: ("avx512_bf16", "amx_bf16"), torch.float16: ("avx512_fp16", "amx_fp16")}
"""What an x86 processor must have, one of them, to multiply a type by itself."""


class WideLinear(nn.Linear):
    """A Linear with narrow weights that multiplies `ROWS` rows or more in float32, and rows of float32 always."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == self.weight.dtype and x.shape[:-1].numel() < ROWS:
            return super().forward(x)
        out: Tensor = WideProduct.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return out


class WideProduct(torch.autograd.Function):
    """x [..., I], weight [O, I], bias [O] or None -> [..., O] of x's type. Kept for the way back is what was given."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x.float(), weight.float(), None if bias is None else bias.float()).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad
        slope = slope.flatten(0, -2).float()  # [N, O]
        return (
            (slope @ weight.float()).to(x.dtype).view_as(x) if to_x else None,
            (slope.T @ x.flatten(0, -2).float()).to(weight.dtype) if to_weight else None,
            slope.sum(0).to(weight.dtype) if to_bias else None,
        )


class WideLayerNorm(nn.LayerNorm):
    """A LayerNorm with narrow weights that reads any type and gives float32."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)


@dataclass(frozen=True, eq=False)
class WideKernel:
    """A kernel that looks in float32, as `inner` does, and gives the type of its queries."""

    inner: Kernel

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
        wide = mask if mask.bias is None else replace(mask, bias=mask.bias.float())
        return self.inner(query.float(), key.float(), value.float(), wide, alignment).to(query.dtype)


def suit(model: Transformer, device: torch.device) -> None:
    """Widen the model where this machine would have to emulate its dtype; an encoder wholly."""
    if wants_widening(model.dtype, device):
        widen(model)
        if not model.spec.writes:
            widen_between(model)


def widen(model: nn.Module) -> int:
    """Make every Linear of the model a WideLinear, over the same weights; how many there were."""
    return surgery.replace(model, where=lambda part: type(part) is nn.Linear, make=wide_linear)


def widen_between(model: nn.Module) -> int:
    """Make every LayerNorm of the model a WideLayerNorm, over the same weights; how many there were.

    The first one then turns a narrow stream into float32, and nothing behind it narrows it again.
    """
    return surgery.replace(model, where=lambda part: type(part) is nn.LayerNorm, make=wide_norm)


def widen_to_learn(model: nn.Module) -> None:
    """Let every Linear and every attention of the model compute in float32, there and back; `as_built` undoes it."""
    widen(model)
    for part in model.modules():
        if isinstance(part, Attention):
            part.kernel = WideKernel(part.kernel)


def as_built(model: nn.Module) -> None:
    """Make every WideLinear of the model a Linear, over the same weights, and give attention its own kernel again."""
    surgery.replace(model, where=lambda part: type(part) is WideLinear, make=plain_linear)
    for part in model.modules():
        if isinstance(part, Attention) and isinstance(part.kernel, WideKernel):
            part.kernel = part.kernel.inner


def wide_linear(part: nn.Module) -> nn.Linear:
    return linear(WideLinear, part)


def plain_linear(part: nn.Module) -> nn.Linear:
    return linear(nn.Linear, part)


def linear(kind: type[nn.Linear], part: nn.Module) -> nn.Linear:
    """One of a kind over the weights of another."""
    assert isinstance(part, nn.Linear)
    with torch.device("meta"):
        made = kind(part.in_features, part.out_features, bias=part.bias is not None)
    made.weight, made.bias = part.weight, part.bias
    return made.train(part.training)


def wide_norm(part: nn.Module) -> WideLayerNorm:
    assert isinstance(part, nn.LayerNorm)
    with torch.device("meta"):
        made = WideLayerNorm(part.normalized_shape, eps=part.eps)
    made.weight, made.bias = part.weight, part.bias
    return made


def wants_widening(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether this machine would have to emulate `dtype`. Measured on x86 only, so only said of x86."""
    has = torch.cpu.get_capabilities()
    return (
        device.type == "cpu"
        and dtype in UNITS
        and has.get("architecture") == "x86_64"
        and not any(has.get(unit) for unit in UNITS[dtype])
    )
