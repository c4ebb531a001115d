"""The pass over a finished model: what is quantized, what is shared, what stays."""

from __future__ import annotations

import copy

import pytest
import torch

import unmask
from tests.conftest import CONFIG
from tests.lowered import spec_of
from unmask.core.transformer import Transformer
from unmask.quantization.census import nbytes, parameters, schemes
from unmask.quantization.convert import quantize_model
from unmask.quantization.linear import QuantizedEmbedding, QuantizedLinear
from unmask.quantization.packed import Packed
from unmask.quantization.schemes import SCHEMES


@pytest.fixture
def core(tiny_model: unmask.Model) -> Transformer:
    return copy.deepcopy(tiny_model.core)


def test_every_matrix_is_quantized_and_counts_as_before(core: Transformer) -> None:
    count, seen = parameters(core), []
    quantize_model(core, SCHEMES["int8"], progress=lambda done, of: seen.append((done, of)))
    assert {each.dim() for each in core.parameters()} == {1}
    assert not any(each.requires_grad for each in core.parameters())
    assert (parameters(core), schemes(core)) == (count, ["int8"])
    assert seen == [(number, len(seen)) for number in range(1, len(seen) + 1)]


def test_its_logits_are_those_of_its_unpacked_weights(core: Transformer) -> None:
    quantize_model(core, SCHEMES["int4-32"])
    exact = copy.deepcopy(core.spec.build())
    names = {f"{name}.weight": part.packed.unpack() for name, part in core.named_modules() if hasattr(part, "packed")}
    exact.load_state_dict({**dict(core.named_parameters()), **names})
    tokens = torch.arange(20)[None]
    with torch.inference_mode():
        wanted = exact.logits(tokens)
        assert (core.logits(tokens) - wanted).norm() < 0.05 * wanted.norm()


@pytest.mark.parametrize(("name", "heads", "kept"), [("int8", 2, True), ("int8", 4, False), ("int8-32", 2, False)])
def test_what_is_left_of_values_is_kept_where_heads_share_them(name: str, heads: int, kept: bool) -> None:
    core = spec_of({**CONFIG, "vocab_size": 96, "num_key_value_heads": heads}).build()
    exact = core.blocks[0].attention.value.weight.detach().clone()
    quantize_model(core, SCHEMES[name])
    with_rest = {path for path, part in core.named_modules() if isinstance(part, Packed) and part.rest is not None}
    assert with_rest == (
        {f"blocks.{layer}.attention.value.packed" for layer in range(len(core.blocks))} if kept else set()
    )
    assert ((core.blocks[0].attention.value.packed.unpack() - exact).abs().max() < 1e-4 * exact.abs().max()) == kept


def test_a_tied_head_shares_the_embedding(smollm2_model: unmask.Model) -> None:
    core = copy.deepcopy(smollm2_model.core)
    del core.blocks[2:]
    core = core.to(torch.bfloat16)
    quantize_model(core, SCHEMES["int4-64"])
    assert isinstance(core.embedding.tokens, QuantizedEmbedding)
    assert isinstance(core.head, QuantizedLinear)
    assert core.head.packed is core.embedding.tokens.packed
    moved = copy.deepcopy(core).to("meta")
    assert moved.head.packed is moved.embedding.tokens.packed
    assert core.dtype == torch.float32
    assert nbytes(core) < 0.3 * 2 * parameters(core)


def test_its_cache_is_of_halves_and_gives_back_what_it_computes_in(core: Transformer) -> None:
    quantize_model(core, SCHEMES["int8"])
    cache = core.cache(batch=1, capacity=12)
    tokens = torch.arange(12)[None]
    with torch.inference_mode():
        whole = core.logits(tokens)
        core.logits(tokens[:, :7], cache=cache)
        rest = core.logits(tokens[:, 7:], cache=cache)
    assert (core.cache_dtype, cache.keys[0].dtype, rest.dtype) == (torch.float16, torch.float16, torch.float32)
    # Keys and values lose 13 of their 24 bits in the cache, and inputs are rounded to 8.
    assert (rest - whole[:, 7:]).norm() < 0.05 * whole.norm()
