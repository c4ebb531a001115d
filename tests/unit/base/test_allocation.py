"""Memory that stays with the process for as long as that was asked for."""

from __future__ import annotations

import platform
import resource

import pytest
import torch

from unmask.base.allocation import memory_kept

FLOATS = 16 << 20
PAGES = FLOATS * 4 // resource.getpagesize()
"""So many are cleared where nothing is kept."""


def cleared() -> int:
    """Pages that the system had to clear for a large block which is used and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(FLOATS)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_block_that_was_freed_is_used_again():
    with memory_kept():
        cleared()
        assert min(cleared() for _ in range(3)) < PAGES / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_it_lasts_until_the_last_who_asked_has_ended():
    first, second = memory_kept(), memory_kept()
    with first:
        second.__enter__()
        cleared()
    assert min(cleared() for _ in range(3)) < PAGES / 10
    second.__exit__(None, None, None)
