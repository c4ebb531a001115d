"""Which models the native library has no operations for, and what is said then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lowered import compiled_library, decoder
from unmask.core.masks import Causal, Full
from unmask.core.positions import LearnedSpec, RelativeSpec
from unmask.core.transformer import Transformer
from unmask.lowering.lower import NotLowered, lower
from unmask.lowering.shortcut import shorten
from unmask.quantization.convert import quantize_model
from unmask.quantization.linear import QuantizedLinear
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES


@pytest.fixture
def llama() -> Transformer:
    return decoder("llama grouped", "int8")


def refused(model: Transformer) -> str:
    with pytest.raises(NotLowered) as caught:
        lower(model, length=8)
    return str(caught.value)


def test_what_is_neither_quantized_nor_float32_is_named(llama: Transformer):
    short = llama.spec.build().bfloat16()
    assert refused(short) == (
        "The native library has no operation for an embedding that is neither quantized nor float32."
    )
    llama.blocks[2].feedforward.down = short.blocks[2].feedforward.down
    assert refused(llama) == "The native library has no operation for a matrix that is neither quantized nor float32."


def test_an_encoder_with_positions_in_its_attention_is_named():
    model = decoder("llama grouped", "int8")
    model.spec = replace(model.spec, mask=Full(), head=None)
    assert refused(model) == (
        "The native library has no operation for an encoder whose attention has positions or windows."
    )


def test_an_embedding_with_blanks_is_named(llama: Transformer):
    model = replace(llama.spec, embedding=replace(llama.spec.embedding, blanks=LearnedSpec(64))).build()
    quantize_model(model, SCHEMES["int8"])
    assert refused(model) == "The native library has no operation for an embedding with blanks."


def test_positions_that_are_added_to_scores_are_named(llama: Transformer):
    llama.spec = replace(llama.spec, relative=RelativeSpec(8, 20, both=False))
    assert refused(llama) == "The native library has no operation for positions that are added to scores."


def test_a_decoder_without_a_head_is_named(llama: Transformer):
    llama.spec = replace(llama.spec, head=None)
    assert refused(llama) == "The native library has no operation for its mask and head."


def test_a_model_with_a_part_that_is_not_known_goes_by_torch_and_says_so(
    llama: Transformer, caplog: pytest.LogCaptureFixture
):
    compiled_library()
    llama.blocks[2].feedforward.down = llama.spec.build().blocks[2].feedforward.down.bfloat16()
    with caplog.at_level("WARNING", logger="unmask"):
        shorten(llama)
    assert llama.shortcut is None
    assert caplog.messages == [
        "This model runs on PyTorch, more slowly: The native library has no operation for a matrix that is neither "
        "quantized nor float32."
    ]


def test_matrices_that_want_one_input_rounded_in_two_ways_are_named():
    model = decoder("llama grouped", "int4-64")
    attention = model.blocks[1].attention
    attention.value = QuantizedLinear(quantize(attention.value.packed.unpack(), SCHEMES["int4-32"]), None)
    assert refused(model) == "The native library has no operation for matrices of different groups side by side."


def test_a_mask_of_a_layer_that_is_no_window_is_named(llama: Transformer):
    block = llama.spec.blocks[0]
    odd = replace(block, attention=replace(block.attention, mask=Causal()))
    model = replace(llama.spec, blocks=(odd, *llama.spec.blocks[1:])).build()
    quantize_model(model, SCHEMES["int8"])
    assert refused(model) == "The native library has no operation for Causal."
