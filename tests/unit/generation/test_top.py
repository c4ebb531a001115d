"""The largest of many numbers and their sums, by the library and by torch, against sorting and doubles."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unmask.generation.top import normalizers, top
from unmask.native.library import SWITCH


@pytest.fixture(params=["native", "torch"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "" if request.param == "native" else "off")


def drawn(rows: int, size: int) -> Tensor:
    return 5 * torch.randn(rows, size, generator=torch.Generator().manual_seed(size))


@pytest.mark.parametrize("size", [7, 160, 1000, 3300])
def test_the_largest_are_the_first_of_all_sorted(size: int):
    values = drawn(5, size)
    values[:, 1] = -torch.inf
    found, places = top(values, 4)
    assert torch.equal(found, values.sort(dim=1, descending=True).values[:, :4])
    assert torch.equal(values.gather(1, places), found)


def test_only_the_columns_that_are_given_are_looked_at():
    values = drawn(3, 50)
    values[:, 40:] = 100
    found, places = top(values[:, :40], 3)
    assert torch.equal(found, values[:, :40].sort(dim=1, descending=True).values[:, :3])
    assert int(places.max()) < 40


def test_numbers_of_another_type_are_torchs():
    values = drawn(3, 50).double()
    assert torch.equal(top(values, 3)[0], values.sort(dim=1, descending=True).values[:, :3])


def test_a_rows_exponentials_less_its_normalizer_sum_to_one():
    logits = drawn(19, 3000)
    logits[:, 7] = -torch.inf
    sums = (logits.double() - normalizers(logits)[:, None]).exp().sum(dim=1)
    torch.testing.assert_close(sums, torch.ones(19, dtype=torch.float64), atol=1e-5, rtol=0)
