from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import unmask
from tests.unit.core.test_parts import tiny
from unmask.core.alignment import ScaledDot
from unmask.core.dropout import Dropout, drop
from unmask.core.kernels import attend, explicit
from unmask.core.masks import KernelMask
from unmask.core.surgery import replace
from unmask.core.widening import (
    ROWS,
    WideKernel,
    WideLinear,
    as_built,
    wants_widening,
    widen,
    widen_between,
    widen_to_learn,
)

PLAIN = {"layer": 0, "mask": KernelMask(), "turn": None, "cache": None}


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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
def test_a_widened_products_gradients_are_the_exact_ones_rounded_once(dtype: torch.dtype, bias: bool):
    model = nn.Sequential(nn.Linear(64, 32, bias=bias)).to(dtype)
    widen(model)
    x, slope = torch.randn(2, ROWS, 64).to(dtype).requires_grad_(), torch.randn(2, ROWS, 32).to(dtype)
    model(x).backward(slope)
    steep, rows = slope.double().flatten(0, 1), x.detach().double().flatten(0, 1)
    step = torch.finfo(dtype).eps
    for found, exact in [
        (x.grad, (slope.double() @ model[0].weight.double())),
        (model[0].weight.grad, steep.T @ rows),
        *([(model[0].bias.grad, steep.sum(0))] if bias else []),
    ]:
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), exact, rtol=step, atol=step)


def test_a_widened_product_makes_no_gradient_of_a_weight_that_does_not_learn():
    model = nn.Sequential(nn.Linear(4, 3)).bfloat16().requires_grad_(False)
    widen(model)
    x = torch.randn(ROWS, 4).bfloat16().requires_grad_()
    model(x).sum().backward()
    assert x.grad is not None
    assert model[0].weight.grad is None
    assert model[0].bias.grad is None


@pytest.mark.parametrize("biased", [False, True])
def test_a_widened_look_and_its_gradients_are_the_exact_ones_rounded_once(biased: bool):
    given = [torch.randn(2, 3, 5, 8).bfloat16().requires_grad_() for _ in range(3)]
    exact = [each.detach().double().requires_grad_() for each in given]
    plain = KernelMask(causal=True)
    bias = torch.randn(1, 3, 5, 5).bfloat16()
    masks = [plain.biased(bias), plain.biased(bias.double())] if biased else [plain, plain]
    slope = torch.randn(2, 3, 5, 8).bfloat16()
    found = WideKernel(attend)(*given, masks[0], ScaledDot())
    wanted = explicit(*exact, masks[1], ScaledDot())
    found.backward(slope)
    wanted.backward(slope.double())
    step = torch.finfo(torch.bfloat16).eps
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), wanted, rtol=step, atol=1e-5)
    for one, other in zip(given, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=step, atol=1e-5)


def test_a_model_that_was_widened_to_learn_can_be_as_it_was_built():
    model = tiny().build()
    drop(model, Dropout(attention=0.1))
    model.eval()
    kernels = [block.attention.kernel for block in model.blocks]
    kinds = [type(part) for part in model.modules()]
    weights = dict(model.named_parameters())
    widen_to_learn(model)
    assert all(isinstance(block.attention.kernel, WideKernel) for block in model.blocks)
    assert sum(isinstance(part, WideLinear) for part in model.modules()) == 2 * 7 + 1
    as_built(model)
    assert [type(part) for part in model.modules()] == kinds
    assert [block.attention.kernel for block in model.blocks] == kernels
    assert all(weights[name] is each for name, each in model.named_parameters())
    assert not any(part.training for part in model.modules())


def test_an_encoder_is_float32_between_its_narrow_weights(encoder_folder: Path):
    narrow = unmask.load(encoder_folder).core.bfloat16()
    widen(narrow)
    assert widen_between(narrow) == 1 + 2 * 2 + 1  # the embedding's, two in each block, the head's
    rounded = unmask.load(encoder_folder).core.bfloat16().float()
    ids = torch.randint(5, 60, (3, 11))
    with torch.inference_mode():
        hidden = narrow(ids)
        assert hidden.dtype == torch.float32
        # The tables are added in bfloat16 before the first norm: that alone is rounded.
        torch.testing.assert_close(hidden, rounded(ids), rtol=0.05, atol=0.05)
        torch.testing.assert_close(narrow.blocks[0](hidden, **PLAIN), rounded.blocks[0](hidden, **PLAIN))


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
