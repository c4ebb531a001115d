"""Round to nearest: weights to codes, each group by itself, with the finest scale that reaches its ends."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.base.errors import CheckpointError
from unmask.native.matrix import PANEL
from unmask.quantization.packed import FINER, Packed
from unmask.quantization.schemes import Scheme

SLICE = 1 << 20
"""Weights rounded at a time: some megabytes, however large the matrix."""


def quantize(weight: Tensor, scheme: Scheme, device: torch.device | None = None, *, rest: bool = False) -> Packed:
    """A matrix [N, K] of any float dtype, in a scheme, on a device; None is its own. `rest`: what is left over as well.

    Raises:
        CheckpointError: as in `codes_of`.
    """
    rows, width = weight.shape
    device = device or weight.device
    return quantize_rows(lambda start, end: weight[start:end], rows, width, scheme, device, rest=rest)


def quantize_rows(
    read: Callable[[int, int], Tensor],
    rows: int,
    width: int,
    scheme: Scheme,
    device: torch.device,
    *,
    rest: bool = False,
) -> Packed:
    """The same of a matrix that is never whole: `read` gives its rows from one up to another."""
    made = Packed.empty(scheme, rows, width, device, rest=rest)
    for start, end in slices(rows, width):
        weight = read(start, end).to(device)
        found = codes_of(weight, scheme)
        made.write(start, *found, rest_of(weight, *found[:2], scheme) if rest else None)
    return made


def slices(rows: int, width: int) -> list[tuple[int, int]]:
    """A matrix in runs of whole panels, `SLICE` weights or one panel each."""
    step = max(1, SLICE // (PANEL * width)) * PANEL
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]


def codes_of(weight: Tensor, scheme: Scheme) -> tuple[Tensor, Tensor, Tensor | None]:
    """The codes of weights [N, K], and each group's numbers: uint8 [N, G * group], float16 [N, G], the same or None.

    No weight is more than half a scale from what its code stands for, but for what float16 does to the numbers.

    Raises:
        CheckpointError: if a weight is no number, or larger than float16 scales reach.
    """
    width = weight.shape[1]
    missing = scheme.groups(width) * scheme.span(width) - width
    # Padded with a neighbour, which is between the group's ends and so does not move them.
    filled = F.pad(weight.float()[:, None], (0, missing), mode="replicate")[:, 0] if missing else weight.float()
    grouped = filled.unflatten(1, (-1, scheme.span(width)))  # [N, G, group]
    low, high = grouped.amin(2), grouped.amax(2)
    scales = (symmetric_scale(low, high, scheme) if scheme.symmetric else (high - low) / scheme.last).half()
    minima = None if scheme.symmetric else low.half()
    check_range(weight, scales, minima)
    steps = grouped if minima is None else grouped - minima.float()[..., None]
    steps = steps * inverse(scales.float())[..., None]
    codes = steps.round_().add_(scheme.zero).clamp_(0, scheme.last).to(torch.uint8).flatten(1)
    codes[:, width:] = scheme.zero
    return codes, scales, minima


def rest_of(weight: Tensor, codes: Tensor, scales: Tensor, scheme: Scheme) -> Tensor:
    """What `codes_of` left over of weights [N, K], whole rows being groups, as codes: uint8 [N, group]."""
    steps = weight.float() * inverse(scales.float()) - (codes[:, : weight.shape[1]].float() - scheme.zero)
    rest = (steps * FINER).round_().add_(scheme.zero).clamp_(0, scheme.last).to(torch.uint8)
    return F.pad(rest, (0, codes.shape[1] - weight.shape[1]), value=scheme.zero)


def symmetric_scale(low: Tensor, high: Tensor, scheme: Scheme) -> Tensor:
    """The smallest scale at which no weight from `low` to `high` is cut off.

    There is one more code below zero than above; a scale below 0 turns that around.
    """
    below, above = scheme.zero, scheme.last - scheme.zero
    upright = torch.maximum(high / above, -low / below)
    turned = torch.maximum(-low / above, high / below)
    return torch.where(upright <= turned, upright, -turned)


def check_range(weight: Tensor, scales: Tensor, minima: Tensor | None) -> None:
    """Every scale and minimum must be a number.

    Raises:
        CheckpointError: if one is not, since a weight is none or too large.
    """
    if weight.is_meta or all(each.isfinite().all() for each in (scales, minima) if each is not None):
        return
    raise CheckpointError(
        "A matrix of {rows} x {width} has a weight of {weight:g}, which cannot be quantized. "
        "Load the model without --quantize.",
        rows=weight.shape[0],
        width=weight.shape[1],
        weight=weight.abs().max().item(),
    )


def inverse(scale: Tensor) -> Tensor:
    """1 / scale; 0 where that is no number, and then all weights of the group are 0 or nearly so."""
    found = 1 / scale
    return found.where(found.isfinite(), 0)
