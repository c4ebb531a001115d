"""Reordering the rows of a cache."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unmask.core.caches import StaticCache

SHAPES = [(2, 3), (1, 5)]


def filled(rows: int) -> tuple[StaticCache, list[tuple[Tensor, Tensor]]]:
    """A cache with four of six slots filled in every layer, and what it was filled with."""
    cache = StaticCache(SHAPES, batch=rows, capacity=6, dtype=torch.float32, device=torch.device("cpu"))
    written = [(torch.randn(rows, heads, 4, width), torch.randn(rows, heads, 4, width)) for heads, width in SHAPES]
    for layer, (key, value) in enumerate(written):
        cache.extend(layer, key, value)
    cache.advance(4)
    return cache, written


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 1, 0], [2, 2, 2], [0, 1, 1]])
def test_every_row_becomes_the_one_that_is_named(order: list[int]) -> None:
    cache, written = filled(3)
    cache.reorder(torch.tensor(order))
    for layer, (key, value) in enumerate(written):
        for new, old in enumerate(order):
            assert torch.equal(cache.keys[layer][new, :, :4], key[old])
            assert torch.equal(cache.values[layer][new, :, :4], value[old])


@pytest.mark.parametrize(("before", "order"), [(1, [0, 0, 0]), (3, [2])])
def test_there_are_as_many_rows_as_are_named(before: int, order: list[int]) -> None:
    cache, written = filled(before)
    cache.reorder(torch.tensor(order))
    more = torch.randn(len(order), 2, 2, 3)
    keys, values = cache.extend(0, more, more)
    for new, old in enumerate(order):
        assert torch.equal(keys[new], torch.cat((written[0][0][old], more[new]), dim=1))
        assert torch.equal(values[new], torch.cat((written[0][1][old], more[new]), dim=1))


def test_where_few_rows_move_the_others_stay_where_they_are_in_memory() -> None:
    cache, _ = filled(4)
    place = cache.keys[0].data_ptr()
    cache.reorder(torch.tensor([0, 1, 1, 3]))
    assert cache.keys[0].data_ptr() == place
