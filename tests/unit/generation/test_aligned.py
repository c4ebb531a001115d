from __future__ import annotations

import pytest
import torch

from tests.unit.core.test_seq2seq import random
from unmask.base.errors import RequestError
from unmask.generation.aligned import Side, align


def side(ids: list[int]) -> Side:
    return Side("x" * len(ids), tuple(ids), tuple((at, at + 1) for at in range(len(ids))), tuple(map(str, ids)))


def test_weights_are_those_that_the_layers_attention_gives_by_hand():
    model = random()
    source, target = side([5, 9, 2, 7]), side([3, 8, 1])
    found = align(model, source, target, start=0)
    assert found.weights.shape == (3, 2, 3, 4)
    inputs: dict[int, torch.Tensor] = {}
    hooks = [
        block.memory_attention.query.register_forward_hook(
            lambda _part, given, out, layer=layer: inputs.update({layer: out})
        )
        for layer, block in enumerate(model.decoder.blocks)
    ]
    memory = model.encode(torch.tensor([source.ids]))
    model.decode(torch.tensor([[0, 3, 8]]), memory)
    for hook in hooks:
        hook.remove()
    for layer, block in enumerate(model.decoder.blocks):
        key = block.memory_attention.key(memory)
        for head in range(2):
            part = slice(16 * head, 16 * head + 16)
            scores = inputs[layer][0, :, part] @ key[0, :, part].T / 4.0
            torch.testing.assert_close(found.weights[layer, head], scores.softmax(-1))


def test_looking_changes_nothing_and_is_over_afterwards():
    model = random()
    kernels = [look.kernel for look in model.looks]
    align(model, side([5, 9]), side([3, 8]), start=0)
    assert [look.kernel for look in model.looks] == kernels


def test_a_text_longer_than_the_context_is_refused():
    with pytest.raises(RequestError, match="has 65 tokens, and this model reads and writes at most 64"):
        align(random(), side([1] * 65), side([1]), start=0)


def test_a_model_without_attention_has_no_alignment():
    class Deaf:
        looks = ()

    with pytest.raises(RequestError, match="no attention to what it reads"):
        align(Deaf(), side([1]), side([1]), start=0)  # type: ignore[arg-type]
