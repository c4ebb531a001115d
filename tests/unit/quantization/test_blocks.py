"""GGUF blocks taken as they are, against the `gguf` library's numbers."""

from __future__ import annotations

import gguf
import numpy
import pytest
import torch

from unmask.base.errors import CheckpointError
from unmask.quantization.blocks import BLOCKS, from_blocks


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_stand_for_the_same_weights_to_the_bit(name: str) -> None:
    kind = gguf.GGMLQuantizationType[name]
    weights = numpy.random.default_rng(0).standard_normal((21, 96), dtype=numpy.float32)
    stored = gguf.quants.quantize(weights, kind)
    packed = from_blocks(torch.from_numpy(stored), name, torch.device("cpu"))
    assert torch.equal(packed.unpack(), torch.from_numpy(gguf.quants.dequantize(stored, kind)))
    assert (packed.scheme, packed.rows, packed.width) == (BLOCKS[name], 21, 96)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("bits", [0x7C00, 0xFC00, 0x7E00])
def test_a_scale_that_is_no_finite_number_is_told(name: str, bits: int) -> None:
    stored = gguf.quants.quantize(numpy.ones((2, 64), dtype=numpy.float32), gguf.GGMLQuantizationType[name])
    stored[1, stored.shape[1] // 2 : stored.shape[1] // 2 + 2] = numpy.array([bits], dtype="<u2").view(numpy.uint8)
    with pytest.raises(CheckpointError, match=f"{name} matrix of 64 columns"):
        from_blocks(torch.from_numpy(stored), name, torch.device("cpu"))
