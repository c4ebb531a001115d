"""GGML's block formats against the `gguf` library."""

from __future__ import annotations

import gguf
import numpy
import pytest
import torch

from unmask.checkpoints.ggml import FORMATS, NAMES, dequantize

# bfloat16 and the quantized formats are exact too: both sides compute the same float32 operations.
EXACT = {"rtol": 0.0, "atol": 0.0}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_the_numbers_that_the_library_gives(name):
    weights = numpy.random.default_rng(0).standard_normal((7, 96), dtype=numpy.float32)
    packed = gguf.quants.quantize(weights, gguf.GGMLQuantizationType[name])
    want = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[name])
    ours = dequantize(torch.from_numpy(packed.copy()).view(torch.uint8).flatten(), name)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.view(7, 96), torch.from_numpy(want.copy()), **EXACT)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("F32", "F16", "BF16")])
def test_any_bytes_at_all_decode_as_the_library_decodes_them(name):
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    blocks = numpy.random.default_rng(1).integers(0, 256, (500, size), dtype=numpy.uint8)
    with numpy.errstate(all="ignore"):
        want = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[name])
    ours = dequantize(torch.from_numpy(blocks).flatten(), name).view(500, -1)
    torch.testing.assert_close(ours, torch.from_numpy(want.copy()), equal_nan=True, **EXACT)


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_at_an_odd_address_decode_the_same(name):
    block = FORMATS[name]
    data = torch.randint(0, 60, (1 + 3 * block.size,), dtype=torch.uint8)
    assert torch.equal(dequantize(data[1:], name), dequantize(data[1:].clone(), name))


def test_float32_shares_the_bytes_it_is_read_from():
    data = torch.zeros(64, dtype=torch.uint8)
    assert dequantize(data, "F32").data_ptr() == data.data_ptr()


def test_names_and_sizes_are_those_of_the_library():
    assert dict(NAMES) == {each.value: each.name for each in gguf.GGMLQuantizationType}
    assert {name: (each.length, each.size) for name, each in FORMATS.items()} == {
        name: gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]] for name in FORMATS
    }
