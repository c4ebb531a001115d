"""How the C library gives out memory."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's numbers (malloc.h) for how much free memory it keeps, and how many blocks may be mappings of their own."""
USUAL = {M_TRIM_THRESHOLD: 128 << 10, M_MMAP_MAX: 1 << 16}


holders = 0
"""Of those who asked, how many have not ended yet."""
turn = RLock()
"""Taken twice where a generator that ends is swept up while somebody holds it."""


@contextmanager
def memory_kept() -> Iterator[None]:
    """For as long as this lasts, freed memory stays with the process, for work that asks for as much again at once.

    glibc maps every large block anew and the system clears it page by page: 4 to 8 % of a training step, a quarter of
    the time of an encoder in bfloat16 (docs/LOG.md, 2026-11-23). With another C library this does nothing.
    """
    hold(1)
    try:
        yield
    finally:
        hold(-1)


def hold(count: int) -> None:
    """The first to come asks for it, the last to go gives back what can be."""
    global holders
    library = glibc()
    if library is None:
        return
    with turn:
        holders += count
        if (holders, count) == (1, 1):
            library.mallopt(M_MMAP_MAX, 0)
            library.mallopt(M_TRIM_THRESHOLD, -1)  # never
        elif holders == 0:
            for what, value in USUAL.items():
                library.mallopt(what, value)
            library.malloc_trim(0)


def give_back() -> None:
    """What is free goes back to the system, the holes between what is not free, too; unless memory is being kept."""
    library = glibc()
    with turn:
        if library is not None and not holders:
            library.malloc_trim(0)


@cache
def glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
