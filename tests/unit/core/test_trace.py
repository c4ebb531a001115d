from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

import unmask
from unmask.base.errors import RequestError
from unmask.core import trace as tracing
from unmask.core.trace import Trace, Watch, cost, fitting, trace


def row(length: int = 12) -> Tensor:
    return torch.arange(5, 5 + length)[None]


def sizes(kept: Trace) -> int:
    vectors = [each for layer in kept.vectors.values() for each in (layer.query, layer.key, layer.value)]
    return sum(each.numel() * each.itemsize for each in [*kept.weights.values(), *vectors, *kept.hidden])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_watched_forward_gives_what_a_plain_one_gives_to_the_bit(tiny_folder: object, dtype: torch.dtype):
    core = unmask.load(str(tiny_folder), dtype=str(dtype).removeprefix("torch.")).core
    with torch.inference_mode():
        plain = core(row())
    assert torch.equal(trace(core, row(), Watch(vectors=True, hidden=True)).output, plain)


def test_the_weights_are_those_by_which_the_values_are_mixed(tiny_model: unmask.Model):
    kept = trace(tiny_model.core, row(), Watch(vectors=True, hidden=True))
    block = tiny_model.core.blocks[1]
    with torch.no_grad():
        mixed = (kept.weights[1] @ kept.vectors[1].value).transpose(1, 2).flatten(2)  # [1, T, W]
        stream = kept.hidden[1] + block.attention.out(mixed)
        stream = stream + block.feedforward(block.feedforward_norm(stream))
    assert torch.allclose(stream, kept.hidden[2], atol=1e-5)


def test_only_the_layers_and_heads_that_were_asked_for_are_kept(tiny_model: unmask.Model):
    whole = trace(tiny_model.core, row(), Watch())
    kept = trace(tiny_model.core, row(), Watch(layers=(1,), heads=(3, 0)))
    assert list(kept.weights) == [1]
    assert torch.allclose(kept.weights[1], whole.weights[1][:, [3, 0]])
    assert not kept.vectors
    assert not kept.hidden


@pytest.mark.parametrize(("watch", "missing"), [(Watch(layers=(0, 2)), "layer 2"), (Watch(heads=(-1,)), "head -1")])
def test_a_layer_or_head_that_does_not_exist_is_refused(tiny_model: unmask.Model, watch: Watch, missing: str):
    with pytest.raises(RequestError, match=f"There is no {missing}: the model has"):
        trace(tiny_model.core, row(), watch)


def test_the_cost_is_what_is_kept(tiny_model: unmask.Model):
    for watch in (Watch(), Watch(heads=(1,), vectors=True), Watch(layers=(1,), weights=False, hidden=True)):
        kept = trace(tiny_model.core, row().expand(3, -1), watch)
        assert cost(tiny_model.spec, watch, rows=3, length=12) == sizes(kept)


def test_more_than_half_of_the_free_memory_is_not_taken(tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracing, "free_memory", lambda device: 4 << 20)
    assert trace(tiny_model.core, row(), Watch()).weights
    with pytest.raises(RequestError, match="To look so closely takes 31 MB, and 4 MB are free"):
        trace(tiny_model.core, row(12).repeat(1, 84), Watch())


def test_the_kernels_are_put_back_whatever_happens(tiny_model: unmask.Model):
    kernels = [block.attention.kernel for block in tiny_model.core.blocks]
    with pytest.raises(IndexError):
        trace(tiny_model.core, torch.tensor([[10**6]]), Watch(hidden=True))
    assert [block.attention.kernel for block in tiny_model.core.blocks] == kernels
    assert not any(block._forward_hooks for block in tiny_model.core.blocks)


@pytest.mark.parametrize(("most", "layers"), [(1 << 40, (0, 1)), (4 * 12 * 12 * 4, (1,)), (1, (1,))])
def test_of_a_long_text_as_many_layers_are_watched_as_fit(tiny_model: unmask.Model, most: int, layers: tuple[int, ...]):
    assert fitting(tiny_model.spec, length=12, most=most).layers == layers


def test_the_layers_that_fit_are_evenly_spread(tiny_model: unmask.Model):
    spec = replace(tiny_model.spec, blocks=tiny_model.spec.blocks[:1] * 12)
    one = cost(spec, Watch(layers=(0,)), rows=1, length=7)
    assert fitting(spec, length=7, most=5 * one).layers == (2, 4, 7, 9, 11)
