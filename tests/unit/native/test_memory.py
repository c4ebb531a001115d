"""Memory for weights: where tensors lie in it, that the system is asked for large pages, and that it gets it back."""

from __future__ import annotations

import gc
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from unmask.native.memory import BLOCK, LINE, empty

CPU = torch.device("cpu")
LARGE = Path("/sys/kernel/mm/transparent_hugepage")


def mapping(address: int) -> dict[str, str] | None:
    """What Linux says of the mapping that an address is in: its words by name; None if there is none."""
    found: dict[str, str] | None = None
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, said = line.partition(" ")
        if name.endswith(":") and found is not None:
            found[name[:-1]] = said.strip()
        elif not name.endswith(":"):
            if found is not None:
                return found
            begin, end = (int(each, 16) for each in name.split("-"))
            found = {} if begin <= address < end else None
    return found


def test_neighbours_begin_at_whole_lines_and_do_not_meet() -> None:
    parts = [
        empty((count, 3), dtype=dtype, device=CPU) for count in (1, 7, 100) for dtype in (torch.uint8, torch.float16)
    ]
    for number, part in enumerate(parts):
        part.fill_(number + 1)
    for number, part in enumerate(parts):
        assert part.data_ptr() % LINE == 0
        assert part.is_contiguous()
        assert part.untyped_storage().nbytes() == part.nbytes
        assert (part == number + 1).all()


def test_more_than_a_block_holds_finds_room() -> None:
    parts = [empty((BLOCK // 3,), dtype=torch.uint8, device=CPU) for _ in range(4)]
    large = empty((BLOCK + 5,), dtype=torch.uint8, device=CPU)
    places = sorted((each.data_ptr(), each.nbytes) for each in [*parts, large])
    assert all(at + size <= after for (at, size), (after, _) in pairwise(places))


def test_nothing_and_other_devices_are_torchs() -> None:
    assert empty((0, 4), dtype=torch.float16, device=CPU).shape == (0, 4)
    assert empty((2, 4), dtype=torch.float16, device=torch.device("meta")).is_meta


@pytest.mark.skipif(not LARGE.exists(), reason="this system has no large pages to ask for")
def test_the_system_is_asked_for_large_pages_and_gets_them_back() -> None:
    part = empty((BLOCK,), dtype=torch.uint8, device=CPU)
    address = part.data_ptr()
    found = mapping(address)
    assert found is not None
    assert "hg" in found["VmFlags"].split()
    del part
    gc.collect()
    assert mapping(address) is None
