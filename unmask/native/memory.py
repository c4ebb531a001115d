"""Memory for what is read from end to end again and again: weights, keys and values."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

import torch
from torch import Tensor

from unmask.base.allocation import give_back

BLOCK = 8 << 20
"""Bytes that are asked of the system at a time; what no tensor has touched takes no memory."""
LINE = 64
"""Bytes at a multiple of which every tensor begins."""

turn = Lock()
block: mmap.mmap | None = None
used = 0


def empty(shape: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> Tensor:
    """As `torch.empty`; on the CPU in pages of 2 MB where the system has such (madvise(2), MADV_HUGEPAGE).

    A processor then finds its way to a model's weights with some dozens of entries instead of ten thousands: about a
    twentieth of a token's time (docs/LOG.md, 2026-11-23). Neighbours share a block, which goes back to the system with
    the last of them.
    """
    count = math.prod(shape)
    if device.type != "cpu" or not hasattr(mmap, "MADV_HUGEPAGE") or count == 0:
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    with turn:
        held, start = room(count * dtype.itemsize)
    return torch.frombuffer(held, dtype=dtype, count=count, offset=start).view(*shape)


def room(size: int) -> tuple[mmap.mmap, int]:
    """A block with room for so many bytes, and where they begin in it."""
    global block, used
    if size > BLOCK // 2:
        return mapped(size), 0
    start = -(-used // LINE) * LINE
    if block is None or start + size > BLOCK:
        block, start = mapped(BLOCK), 0
    used = start + size
    return block, start


def mapped(size: int) -> mmap.mmap:
    """New memory. What the C library holds free goes back before, lest a load take both."""
    give_back()
    found = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a system built without them
        found.madvise(mmap.MADV_HUGEPAGE)
    return found
