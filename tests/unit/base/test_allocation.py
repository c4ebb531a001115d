"""Memory that stays with the process for as long as that was asked for.

What is tested is what the C library was told, not whether it takes a hole of its heap again: that is a matter of what
else lies there. So it is told in a process of its own, whose heap has no holes yet.
"""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
import torch
from unmask.base.allocation import memory_kept

BYTES = 64 << 20
NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"

class Use(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Use

def is_mapped(size=BYTES):  # whether a large block is a mapping of its own
    before = library.mallinfo2().hblkhd
    block = torch.ones(size // 4)
    return library.mallinfo2().hblkhd - before >= size

first, second = memory_kept(), memory_kept()
assert is_mapped()
with first:
    assert not is_mapped()
    assert library.mallinfo2().arena >= BYTES  # it was freed, and stays
    second.__enter__()
assert not is_mapped()
second.__exit__(None, None, None)
assert is_mapped(8 * BYTES)  # more than any hole that is left
"""


def test_large_blocks_are_of_the_heap_and_stay_until_the_last_who_asked_has_ended() -> None:
    if platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("another C library, or one that does not tell")
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
