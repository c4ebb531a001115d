"""A paged cache gives what was written, in order, wherever its blocks lie; other rows' blocks stay as they are."""

from __future__ import annotations

import torch

from unmask.core.paged import PagedCache


def storage() -> list[torch.Tensor]:
    return [torch.full((6, 2, 4, 3), -1.0) for _ in range(2)]


def test_all_of_a_row_comes_back_in_order_from_blocks_out_of_order():
    keys, values = storage(), storage()
    cache = PagedCache(keys, values, [4, 1, 3], slots=0)
    written = torch.randn(2, 2, 2, 11, 3)  # keys and values, layers, K, T, D
    begin = 0
    for end in (1, 6, 11):
        for layer in range(2):
            key, value = written[:, layer, None, :, begin:end]
            whole_key, whole_value = cache.extend(layer, key, value)
            assert torch.equal(whole_key, written[0, layer, None, :, :end])
            assert torch.equal(whole_value, written[1, layer, None, :, :end])
        cache.advance(end - begin)
        begin = end
    assert cache.slots == 11
    for kept in (*keys, *values):
        assert (kept[[0, 2, 5]] == -1).all()


def test_a_row_goes_on_where_another_cache_left_it():
    keys, values = storage()[:1], storage()[:1]
    first = PagedCache(keys, values, [2], slots=0)
    beginning, rest = torch.randn(1, 2, 4, 3), torch.randn(1, 2, 2, 3)
    first.extend(0, beginning, beginning)
    again = PagedCache(keys, values, [2, 5], slots=4)
    key, _ = again.extend(0, rest, rest)
    assert torch.equal(key, torch.cat([beginning, rest], dim=2))


def test_what_is_kept_in_fewer_bits_comes_back_in_its_own():
    keys = [kept.half() for kept in storage()]
    cache = PagedCache(keys, [kept.half() for kept in storage()], [0], slots=0)
    key, _ = cache.extend(0, torch.full((1, 2, 1, 3), 0.1), torch.zeros(1, 2, 1, 3))
    assert key.dtype == torch.float32
    assert torch.equal(key, torch.full((1, 2, 1, 3), 0.1).half().float())
