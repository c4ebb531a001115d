"""The largest of many numbers, against sorting all of them."""

from __future__ import annotations

import pytest
import torch

from unmask.generation.top import normalizers, top


@pytest.mark.parametrize("size", [7, 160, 1000, 3200, 3300])
def test_the_largest_are_the_first_of_all_sorted(size: int):
    values = torch.randn(5, size, generator=torch.Generator().manual_seed(size))
    values[:, 1] = -torch.inf
    found, places = top(values, 4)
    assert torch.equal(found, values.sort(dim=1, descending=True).values[:, :4])
    assert torch.equal(values.gather(1, places), found)


def test_a_rows_exponentials_less_its_normalizer_sum_to_one():
    logits = 5 * torch.randn(19, 300, generator=torch.Generator().manual_seed(0))
    sums = (logits.double() - normalizers(logits)[:, None]).exp().sum(dim=1)
    torch.testing.assert_close(sums, torch.ones(19, dtype=torch.float64), atol=1e-5, rtol=0)
