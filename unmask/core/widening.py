"""A pass for processors without units for narrow types: many rows are multiplied in float32.

Weights stay in bfloat16 or float16, and one row reads them as they are, since then memory is what takes the time.
For many rows the arithmetic is, and there emulated bfloat16 is several times slower than widening the matrix first.
The result is the same: narrow products are summed in float32 either way, and rounded once.

An encoder reads whole texts only, so there all between its weights is float32 too: from its first norm on, nothing is
rounded, and attention, which would be emulated as well, is not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.core.surgery import replace
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
        bias = None if self.bias is None else self.bias.float()
        return F.linear(x.float(), self.weight.float(), bias).to(x.dtype)


class WideLayerNorm(nn.LayerNorm):
    """A LayerNorm with narrow weights that reads any type and gives float32."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)


def suit(model: Transformer, device: torch.device) -> None:
    """Widen the model where this machine would have to emulate its dtype; an encoder wholly."""
    if wants_widening(model.dtype, device):
        widen(model)
        if not model.spec.writes:
            widen_between(model)


def widen(model: nn.Module) -> int:
    """Make every Linear of the model a WideLinear, over the same weights; how many there were."""
    return replace(model, where=lambda part: type(part) is nn.Linear, make=wide_linear)


def widen_between(model: nn.Module) -> int:
    """Make every LayerNorm of the model a WideLayerNorm, over the same weights; how many there were.

    The first one then turns a narrow stream into float32, and nothing behind it narrows it again.
    """
    return replace(model, where=lambda part: type(part) is nn.LayerNorm, make=wide_norm)


def wide_linear(part: nn.Module) -> WideLinear:
    assert isinstance(part, nn.Linear)
    with torch.device("meta"):
        made = WideLinear(part.in_features, part.out_features, bias=part.bias is not None)
    made.weight, made.bias = part.weight, part.bias
    return made


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
