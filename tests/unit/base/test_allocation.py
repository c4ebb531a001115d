"""Memory that stays with the process for as long as that was asked for.

What is tested is what the C library was told, not whether it takes a hole of its heap again: that is a matter of what
else lies there.
"""

from __future__ import annotations

import ctypes
import platform

import pytest
import torch

from unmask.base.allocation import memory_kept

BYTES = 64 << 20


class Use(ctypes.Structure):
    """mallinfo2 of malloc.h."""

    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in NAMES.split())


LIBRARY = ctypes.CDLL(None)
if platform.libc_ver()[0] != "glibc" or not hasattr(LIBRARY, "mallinfo2"):
    pytest.skip("another C library, or one that does not tell", allow_module_level=True)
LIBRARY.mallinfo2.restype = Use


def use() -> Use:
    found: Use = LIBRARY.mallinfo2()
    return found


def is_mapped(size: int = BYTES) -> bool:
    """Whether a large block is a mapping of its own."""
    before = use().hblkhd
    block = torch.ones(size // 4)
    mapped = use().hblkhd - before
    del block
    return mapped >= size


def test_large_blocks_are_of_the_heap_until_the_last_who_asked_has_ended() -> None:
    first, second = memory_kept(), memory_kept()
    assert is_mapped()
    with first:
        assert not is_mapped()
        second.__enter__()
    assert not is_mapped()
    second.__exit__(None, None, None)
    assert is_mapped(4 * BYTES)  # than any hole that is left


def test_what_is_freed_stays() -> None:
    with memory_kept():
        block = torch.ones(BYTES // 4)
        held = use().arena
        del block
        assert use().arena >= held >= BYTES
