"""Memory that is there, that is taken, and that a cache takes."""

from __future__ import annotations

import sys
from mmap import mmap
from pathlib import Path

import pytest
import torch

from unmask.core.memory import cache_size, free_memory, process_memory
from unmask.families.open import open_checkpoint

CPU = torch.device("cpu")


def test_a_row_of_cache_is_as_large_as_the_cache_that_is_made(tiny_folder: Path) -> None:
    spec = open_checkpoint(tiny_folder).spec
    cache = spec.build().cache(batch=1, capacity=70)
    assert cache_size(spec, 70, torch.float32) == sum(each.nbytes for each in (*cache.keys, *cache.values))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_taken_memory_is_seen_where_it_is_looked_for() -> None:
    before, free = process_memory(CPU), free_memory(CPU)
    with mmap(-1, 64 << 20) as pages:  # not by malloc, which may have as much left over from other tests
        pages[::4096] = bytes(64 << 8)
        assert process_memory(CPU) - before == pytest.approx(64 << 20, rel=0.1)
    assert free is not None
    assert free > 0
