"""How the C library gives out memory."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's numbers (malloc.h) for how much free memory it keeps, and how many blocks may be mappings of their own."""
USUAL = {M_TRIM_THRESHOLD: 128 << 10, M_MMAP_MAX: 1 << 16}


@contextmanager
def memory_kept() -> Iterator[None]:
    """For as long as this lasts, freed memory stays with the process, for work that asks for as much again at once.

    glibc maps every large block anew and the system clears it page by page: 4 to 8 % of a training step
    (docs/LOG.md, 2026-11-23). With another C library this does nothing.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, -1)  # never
    try:
        yield
    finally:
        for what, value in USUAL.items():
            library.mallopt(what, value)
        library.malloc_trim(0)
