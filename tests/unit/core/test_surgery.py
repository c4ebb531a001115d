"""What replacing parts does to the model around them."""

from __future__ import annotations

from torch import nn

from tests.lowered import compiled_library
from unmask.core.positions import Rotary
from unmask.core.surgery import replace
from unmask.core.transformer import Transformer
from unmask.families.llama import LlamaSize, llama
from unmask.lowering.shortcut import shorten
from unmask.quantization.convert import quantize_model
from unmask.quantization.linear import QuantizedLinear
from unmask.quantization.schemes import SCHEMES


def lowered() -> Transformer:
    compiled_library()
    sizes = {"width": 16, "depth": 1, "heads": 2, "kv_heads": 1, "hidden": 24, "vocab": 32, "context": 16}
    model = llama(LlamaSize(**sizes, norm_eps=1e-5, rotary=Rotary(width=8), tied=True)).build().eval()
    quantize_model(model, SCHEMES["int8"])
    shorten(model)
    assert model.shortcut is not None
    return model


def test_a_model_with_a_replaced_part_takes_no_shortcut_that_was_made_of_the_old_one():
    model = lowered()
    first = model.blocks[0].feedforward.down
    replace(model, where=lambda part: part is first, make=lambda part: QuantizedLinear(part.packed, part.bias))
    assert model.shortcut is None


def test_a_model_in_which_nothing_was_replaced_keeps_its_shortcut():
    model = lowered()
    assert replace(model, where=lambda part: isinstance(part, nn.Conv1d), make=lambda part: part) == 0
    assert model.shortcut is not None
