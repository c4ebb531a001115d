from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.unit.core.test_parts import tiny
from unmask.core.surgery import replace
from unmask.core.widening import ROWS, WideLinear, wants_widening, widen


@pytest.mark.parametrize("rows", [1, ROWS - 1, ROWS, 100])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
def test_a_widened_product_is_the_exact_one_rounded_once(rows: int, dtype: torch.dtype, bias: bool):
    model = nn.Sequential(nn.Linear(64, 32, bias=bias)).to(dtype)
    weight, offset = model[0].weight.double(), model[0].bias.double() if bias else 0.0
    assert widen(model) == 1
    x = torch.randn(2, rows, 64).to(dtype)
    exact = x.double() @ weight.T + offset
    step = torch.finfo(dtype).eps  # one unit in the last place, relative
    torch.testing.assert_close(model(x).double(), exact, rtol=step, atol=step)


def test_widening_keeps_the_weights_and_what_is_tied():
    model = tiny().build().bfloat16()
    before = {name: parameter.data_ptr() for name, parameter in model.named_parameters()}
    assert widen(model) == 2 * 7 + 1  # seven in each block, and the head
    assert isinstance(model.head, WideLinear)
    assert model.head.weight is model.embedding.tokens.weight
    assert {name: parameter.data_ptr() for name, parameter in model.named_parameters()} == before


def test_only_narrow_types_on_processors_without_units_are_widened(monkeypatch: pytest.MonkeyPatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64", "amx_bf16": True})
    assert not wants_widening(torch.bfloat16, cpu)
    assert wants_widening(torch.float16, cpu)
    assert not wants_widening(torch.float32, cpu)
    assert not wants_widening(torch.float16, torch.device("meta"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "aarch64"})
    assert not wants_widening(torch.float16, cpu)


def test_a_part_that_stands_in_two_places_is_replaced_by_one():
    shared = nn.Linear(2, 2)
    model = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared)})
    assert replace(model, where=lambda part: part is shared, make=lambda part: nn.Identity()) == 1
    assert model["a"] is model["b"][0]
