"""What block formats promise whatever the weights: the `gguf` library packs, we unpack, the error is bounded."""

from __future__ import annotations

import gguf
import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unmask.checkpoints.ggml import FORMATS, dequantize

weights = arrays.arrays(
    numpy.float32,
    st.tuples(st.integers(1, 6), st.sampled_from([32, 64])),
    elements=st.integers(-6400, 6400).map(lambda count: count / 64),
)

# The largest error of a weight, as a part of the largest weight in its block: half a step between stored values, and
# 2**-10 for the float16 scale. Q4_0 has steps of an eighth of the largest weight and loses a whole one at the far end;
# Q4_1 has 15 steps from the least to the largest, at most twice the largest weight apart.
BOUNDS = {"F32": 0.0, "F16": 2**-11, "BF16": 2**-8, "Q8_0": 0.5 / 127 + 2**-10, "Q4_0": 1 / 8 + 2**-7, "Q4_1": 1 / 14}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=100, deadline=None)
@given(values=weights)
def test_a_weight_comes_back_within_the_bound_of_its_format(name, values):
    packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType[name])
    ours = dequantize(torch.from_numpy(packed.copy()).view(torch.uint8).flatten(), name)
    blocks = torch.from_numpy(values).view(-1, 32)
    largest = blocks.abs().amax(dim=1, keepdim=True)
    assert ((ours.view(-1, 32) - blocks).abs() <= BOUNDS[name] * largest).all()


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].length > 1])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), blocks=st.integers(1, 40))
def test_random_blocks_decode_as_the_library_decodes_them(name, seed, blocks):
    data = numpy.random.default_rng(seed).integers(0, 256, (blocks, FORMATS[name].size), dtype=numpy.uint8)
    with numpy.errstate(all="ignore"):
        want = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[name])
    ours = dequantize(torch.from_numpy(data).flatten(), name).view(blocks, -1)
    torch.testing.assert_close(ours, torch.from_numpy(want.copy()), rtol=0.0, atol=0.0, equal_nan=True)
