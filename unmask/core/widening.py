"""A pass for processors without units for narrow types: many rows are multiplied in float32.

Weights stay in bfloat16 or float16, and one row reads them as they are, since then memory is what takes the time.
For many rows the arithmetic is, and there emulated bfloat16 is several times slower than widening the matrix first.
The result is the same: narrow products are summed in float32 either way, and rounded once.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.core.surgery import replace

ROWS = 32
"""From here on widening wins (docs/LOG.md, 2026-11-22)."""

UNITS = {torch.bfloat16: ("avx512_bf16", "amx_bf16"), torch.float16: ("avx512_fp16", "amx_fp16")}
"""What an x86 processor must have, one of them, to multiply a type by itself."""


class WideLinear(nn.Linear):
    """A Linear with narrow weights that multiplies `ROWS` rows or more in float32."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[:-1].numel() < ROWS:
            return super().forward(x)
        bias = None if self.bias is None else self.bias.float()
        return F.linear(x.float(), self.weight.float(), bias).to(x.dtype)


def widen(model: nn.Module) -> int:
    """Make every Linear of the model a WideLinear, over the same weights; how many there were."""
    return replace(model, where=lambda part: type(part) is nn.Linear, make=wide)


def wide(part: nn.Module) -> WideLinear:
    assert isinstance(part, nn.Linear)
    with torch.device("meta"):
        made = WideLinear(part.in_features, part.out_features, bias=part.bias is not None)
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
