"""Products with packed weights in torch: the native library's twin, the same arithmetic in many more calls."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.native.matrix import PANEL
from unmask.quantization.packed import Packed, sum_of

LARGEST = 127
"""The largest integer that an input is rounded to."""
MEAN, FINEST = 28, 128
"""Steps that the inputs of a fine row have on average; and the most by which the row's scale is divided for that."""
REACH, LEAST = 16, 1e-28
"""How often a row's scale is halved for a group at most; and rows of smaller numbers are as good as 0."""
FRACTION, BIAS = 23, 127
"""Bits of a float32 below its exponent, and the exponent of 1."""
EXACT = 1024
"""So many products of 8 bits with 8 bits float32 sums without an error: 1024 * 128 * 127 is below 2**24."""
ROOM = 1 << 22
"""Numbers in the largest tensor made on the way."""


def rounded(x: Tensor, group: int, *, fine: bool = False) -> tuple[Tensor, Tensor]:
    """Rows of input as integers; halves go to even.

    A row's largest number becomes `LARGEST`. The scale of a group without it is halved as often as its numbers allow.

    Args:
        x: float32 [M, K].
        fine: all of a row is one group, of which a few inputs become larger, so that the others are not too coarse.
    Returns:
        whole numbers as float32 [M, G, group], padded with 0, and scales [M, G].
    """
    missing = -x.shape[1] % group
    grouped = F.pad(x, (0, missing)).unflatten(1, (-1, group))
    tops = grouped.abs().amax(2)
    if fine:
        scales = finer(tops / LARGEST, x.abs().sum(1, keepdim=True) / (MEAN * x.shape[1]))
        return (grouped / scales.where(scales != 0, 1)[..., None]).round_(), scales
    largest = tops.amax(1, keepdim=True)
    halved = (largest.view(torch.int32) - tops.view(torch.int32) >> FRACTION).clamp(0, REACH)
    finer_by = (halved + BIAS << FRACTION).view(torch.float32)
    scales = largest.clamp(min=LEAST) / LARGEST
    return (grouped * (1 / scales * finer_by)[..., None]).round_(), scales / finer_by


def finer(scales: Tensor, wanted: Tensor) -> Tensor:
    """Scales as fine as is `wanted`, to 8 bits, since that depends on the order of sums; not by more than `FINEST`."""
    cut = (wanted.view(torch.int32) & -0x10000).view(torch.float32)
    return scales.minimum(cut).maximum(scales / FINEST)


def multiply(packed: Packed, x: Tensor, bias: Tensor | None) -> Tensor:
    """Inputs rounded to integers times packed weights: float32 [M, K] -> [M, N].

    With q of the input and code of the weights, and the sum of a group's products exact:
    y = sum over groups of s * scale * sum((code - zero) * q), or s * (scale * sum(code * q) + minimum * sum(q)).
    """
    fine = packed.scheme.fine
    if packed.rest is not None:
        out = sum_of(multiply(each, x, None) for each in packed.planes)
        return out if bias is None else out + bias
    whole, steps = rounded(x, packed.group, fine=fine)
    kind = torch.float64 if fine or packed.group > EXACT else torch.float32
    whole = whole.transpose(0, 1).to(kind)  # [G, M, group]
    steps = steps.T[..., None]  # [G, M, 1]
    out = x.new_empty(len(x), packed.rows)
    count = PANEL * max(1, ROOM // (PANEL * len(whole) * max(packed.group, len(x))))
    for start in range(0, packed.rows, count):
        end = min(start + count, packed.rows)
        codes, scales, minima = packed.read(start, end)
        weights = codes.to(kind).sub_(packed.scheme.zero).unflatten(1, (-1, packed.group))  # [n, G, group]
        sums = (whole @ weights.permute(1, 2, 0)).float() * scales.T.float()[:, None]  # [G, M, n]
        if minima is not None:
            sums += minima.T.float()[:, None] * whole.sum(2, keepdim=True).float()
        out[:, start:end] = sums.mul_(steps).sum(0)
    return out if bias is None else out + bias
