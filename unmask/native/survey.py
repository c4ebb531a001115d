"""What a search asks of many rows of numbers, by the library."""

from __future__ import annotations

import torch
from torch import Tensor

from unmask.native.library import Library, address, library


def reader(values: Tensor) -> Library | None:
    """The library, for rows [R, V] that it can read where they are."""
    plain = values.dtype == torch.float32 and values.device.type == "cpu" and values.stride(1) == 1
    return library() if plain and not values.requires_grad and values.numel() > 0 else None


def log_sums(found: Library, values: Tensor) -> Tensor:
    """The logarithm of the sum of e^x of each row of [R, V]: [R]."""
    rows, width = values.shape
    sums = torch.empty(rows)
    with found.turn:
        found.functions.survey_sums(found.pool, address(values), rows, width, values.stride(0), address(sums))
    return sums


def largest(found: Library, values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest numbers of each row of [R, V], and their places, largest first, of equals the first."""
    rows, width = values.shape
    best, places = torch.empty(rows, count), torch.empty(rows, count, dtype=torch.int64)
    with found.turn:
        found.functions.survey_largest(
            found.pool, address(values), rows, width, values.stride(0), count, address(best), address(places)
        )
    return best, places
