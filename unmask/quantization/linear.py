"""The parts that stand in for a Linear and for the table of tokens, over packed weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.native.library import Library, library
from unmask.quantization.packed import Packed, sum_of
from unmask.quantization.products import multiply


class QuantizedLinear(nn.Module):
    """A Linear over packed weights: any float type goes in and the same comes out; between them it is float32.

    The input is rounded to integers too, group by group. Where a slope is wanted through the input it is not, since
    rounding has none: it then meets the unpacked weights as it is.
    """

    def __init__(self, packed: Packed, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.packed = packed
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        """[..., K] -> [..., N]."""
        rows = x.float().reshape(-1, self.packed.width)  # [M, K]
        if x.requires_grad and torch.is_grad_enabled():
            out = F.linear(rows, self.packed.unpack(), self.bias)
        else:
            out = product(self.packed, rows, self.bias)
        return out.view(*x.shape[:-1], self.packed.rows).to(x.dtype)


class QuantizedEmbedding(nn.Module):
    """A table of tokens over packed weights, one row a token; float32 comes out."""

    def __init__(self, packed: Packed) -> None:
        super().__init__()
        self.packed = packed

    def forward(self, ids: Tensor) -> Tensor:
        """[...] -> [..., K]."""
        found = None if ids.is_meta else native(ids)
        return self.packed.take(ids) if found is None else self.packed.matrix.take(found, ids)


def product(packed: Packed, rows: Tensor, bias: Tensor | None) -> Tensor:
    """Rounded rows [M, K] times packed weights, by the native library where it can: [M, N]."""
    found = native(rows)
    if found is None:
        return multiply(packed, rows, bias)
    # On meta the room is planned that the library would need, which is that of its result.
    if rows.is_meta:
        return rows.new_empty(len(rows), packed.rows)
    first, *others = (each.matrix for each in packed.planes)
    out = first.multiply(found, rows, bias)
    return sum_of((out, *(each.multiply(found, rows, None) for each in others)))


def native(x: Tensor) -> Library | None:
    """The library, for inputs that it can read."""
    return library() if x.device.type in ("cpu", "meta") else None
