"""A packed matrix in a model: it moves, is copied and saved with it, and keeps its own number formats."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from unmask.base.errors import CheckpointError, RequestError
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize, slices
from unmask.quantization.schemes import SCHEMES, scheme


@pytest.fixture
def packed() -> Packed:
    return quantize(torch.randn(20, 70), SCHEMES["int4-32-zero"])


def test_it_keeps_its_half_scales_when_the_model_changes_its_dtype(packed: Packed) -> None:
    before = packed.unpack()
    nn.ModuleList([packed]).bfloat16()
    assert (packed.scales.dtype, packed.minima.dtype) == (torch.float16, torch.float16)
    assert torch.equal(packed.unpack(), before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_its_own_memory_and_the_same_weights(packed: Packed, copied) -> None:
    other = copied(packed)
    assert other.codes.data_ptr() != packed.codes.data_ptr()
    assert torch.equal(other.unpack(), packed.unpack())


def test_its_state_is_that_of_the_model_around_it(packed: Packed) -> None:
    other = Packed.empty(packed.scheme, packed.rows, packed.width, torch.device("cpu"))
    other.load_state_dict(packed.state_dict())
    assert torch.equal(other.unpack(), packed.unpack())


def test_a_matrix_rounded_in_slices_is_that_rounded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(100, 33)
    whole = quantize(weight, SCHEMES["int4-32"])
    monkeypatch.setattr("unmask.quantization.rounding.SLICE", 40 * 33)
    assert slices(100, 33) == [(0, 32), (32, 64), (64, 96), (96, 100)]
    assert torch.equal(quantize(weight, SCHEMES["int4-32"]).codes, whole.codes)


def test_int4_bytes_are_those_of_the_format() -> None:
    packed = quantize(torch.randn(64, 256), SCHEMES["int4-64"])
    assert packed.nbytes == 64 * 256 // 2 + 64 * 256 // 64 * 2
    assert packed.nbytes <= 0.3 * 64 * 256 * 2  # of bfloat16's


@pytest.mark.parametrize("name", ["int8", "int4-32", "int4-32-zero"])
@pytest.mark.parametrize("weight", [float("inf"), float("nan"), 1e9])
def test_a_weight_without_a_scale_is_refused(name: str, weight: float) -> None:
    values = torch.ones(3, 40)
    values[2, 5] = weight
    with pytest.raises(CheckpointError, match=r"3 x 40 has a weight of (inf|nan|1e\+09), which cannot be quantized"):
        quantize(values, SCHEMES[name])


def test_a_matrix_of_zeros_stays_one() -> None:
    for each in SCHEMES.values():
        assert torch.equal(quantize(torch.zeros(3, 40), each).unpack(), torch.zeros(3, 40))


def test_an_unknown_scheme_names_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"'int4-65'; known are stored, int8, int4, .* Did you mean 'int4-64'\?"):
        scheme("int4-65")
