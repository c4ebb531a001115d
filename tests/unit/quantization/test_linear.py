"""The quantized parts in torch's world: number formats, slopes, shapes, the meta device."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unmask.quantization.linear import QuantizedEmbedding, QuantizedLinear
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES


@pytest.fixture
def part() -> QuantizedLinear:
    return QuantizedLinear(quantize(torch.randn(24, 40), SCHEMES["int4-32"]), nn.Parameter(torch.randn(24)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_comes_out_has_the_shape_and_dtype_of_what_went_in(part: QuantizedLinear, dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 40).to(dtype)
    with torch.no_grad():
        out = part(x)
    exact = x.float() @ part.packed.unpack().T + part.bias
    assert (out.shape, out.dtype) == ((2, 3, 24), dtype)
    assert (out.float() - exact).norm() < 0.02 * exact.norm()


def test_the_native_library_gives_what_the_twin_gives(part: QuantizedLinear, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(5, 40)
    with torch.no_grad():
        native = part(x)
        monkeypatch.setenv("UNMASK_NATIVE", "off")
        torch.testing.assert_close(part(x), native, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("native", ["on", "off"])
def test_a_rest_makes_up_for_what_rounding_took(native: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if native == "off":
        monkeypatch.setenv("UNMASK_NATIVE", "off")
    torch.manual_seed(0)
    weight, bias, x = torch.randn(24, 42), torch.randn(24), torch.randn(5, 42)
    plain, whole = (
        QuantizedLinear(quantize(weight, SCHEMES["int8"], rest=each), nn.Parameter(bias)) for each in (False, True)
    )
    assert (whole.packed.unpack() - weight).abs().max() < 0.01 * (plain.packed.unpack() - weight).abs().max()
    with torch.no_grad():
        torch.testing.assert_close(whole(x), plain(x) + x @ (weight - plain.packed.unpack()).T, rtol=0, atol=2e-3)


def test_slopes_flow_through_as_through_the_unpacked_weights(part: QuantizedLinear) -> None:
    x = torch.randn(3, 40, requires_grad=True)
    towards = torch.randn(3, 24)
    (part(x) * towards).sum().backward()
    torch.testing.assert_close(x.grad, towards @ part.packed.unpack())


def test_on_meta_shapes_are_known_and_nothing_is_computed(part: QuantizedLinear) -> None:
    part.to("meta")
    assert part(torch.empty(2, 7, 40, device="meta")).shape == (2, 7, 24)


def test_a_token_is_its_row(part: QuantizedLinear) -> None:
    ids = torch.tensor([[3, 23], [0, 3]])
    assert torch.equal(QuantizedEmbedding(part.packed)(ids), part.packed.unpack()[ids])
