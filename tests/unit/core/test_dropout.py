from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unmask.base.errors import SpecError
from unmask.core.dropout import Dropout, drop
from unmask.core.kernels import attend
from unmask.core.masks import KernelMask
from unmask.families.gpt import GPTSize, gpt
from unmask.families.original import OriginalSize, StackSize, original

ALL = Dropout(embedding=0.1, residual=0.2, attention=0.3)
SIDE = StackSize(depth=1, heads=2, hidden=32)


def tiny() -> nn.Module:
    return gpt(GPTSize(width=32, depth=2, heads=4, hidden=64, vocab=50, context=64)).build()


def ids() -> Tensor:
    return torch.arange(40).view(2, 20)


def run(model: nn.Module, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    out: Tensor = model(ids())
    return out


def test_a_model_that_does_not_train_drops_nothing():
    model = tiny().eval()
    plain = run(model)
    drop(model, ALL)
    assert torch.equal(run(model), plain)


def test_what_is_dropped_follows_the_model_into_training_and_back():
    model = tiny().eval()
    plain = run(model)
    drop(model, ALL)
    assert not torch.equal(run(model.train()), plain)
    assert torch.equal(run(model.eval()), plain)


def test_a_model_that_trains_drops_by_chance():
    model = tiny().train()
    drop(model, ALL)
    assert torch.equal(run(model), run(model))
    assert not torch.equal(run(model), run(model, seed=1))


@pytest.mark.parametrize("rates", [Dropout(embedding=0.1), Dropout(residual=0.1), Dropout(attention=0.1)])
def test_each_rate_alone_changes_a_training_pass(rates: Dropout):
    model = tiny().train()
    plain = run(model)
    drop(model, rates)
    assert not torch.allclose(run(model), plain)


def test_zeros_undo_it():
    model = tiny().train()
    plain, names = run(model), list(model.state_dict())
    drop(model, ALL)
    assert list(model.state_dict()) == names
    drop(model, Dropout())
    assert torch.equal(run(model), plain)
    assert all(block.attention.kernel is attend for block in model.blocks)


def test_an_embedding_loses_its_share_and_the_rest_grows():
    model = tiny().train()
    plain = model.embedding(ids(), torch.arange(20)[None])
    drop(model, Dropout(embedding=0.25))
    dropped = model.embedding(ids(), torch.arange(20)[None])
    lost = dropped == 0
    assert lost.float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert torch.allclose(dropped[~lost], plain[~lost] / 0.75)


def test_attention_weights_are_dropped_whole_and_the_rest_grow():
    # One head of width 1 and values of 1: what comes out is the sum of the weights that are left.
    spec = gpt(GPTSize(width=2, depth=1, heads=2, hidden=2, vocab=50, context=512))
    attention = spec.build().train().blocks[0].attention
    drop(attention, Dropout(attention=0.5))
    same = torch.zeros(1, 2, 400, 1)
    sums = attention.kernel(same, same, torch.ones(1, 2, 400, 1), KernelMask(), attention.spec.alignment)
    counts = sums * 400 * 0.5  # each weight is 1 / 400, doubled
    assert torch.allclose(counts, counts.round(), atol=1e-2)
    assert counts.mean().item() == pytest.approx(200, abs=3)


def test_what_a_decoder_recalls_is_dropped_too():
    model = original(OriginalSize(16, SIDE, SIDE, vocab=50, context=32)).build().train()
    block = model.decoder.blocks[0]
    drop(model, Dropout(residual=0.5))
    sums: list[Tensor] = []
    for part in (block.attention, block.memory_attention, block.feedforward):
        part.register_forward_hook(lambda _part, _given, out: torch.ones_like(out))
    for norm in (block.attention_norm, block.memory_norm, block.feedforward_norm):
        norm.register_forward_pre_hook(lambda _norm, given: sums.append(given[0]))
        norm.register_forward_hook(lambda _norm, _given, out: torch.zeros_like(out))
    model(ids(), ids())
    assert len(sums) == 3
    for summed in sums[1:]:  # the stream is 0 there, so these are what the sublayer gives: 0 or 1 / (1 - 0.5)
        assert set(summed.unique().tolist()) == {0.0, 2.0}


def test_a_copy_follows_its_own_mode():
    model = tiny().train()
    drop(model, Dropout(attention=0.5))
    twin = deepcopy(model).eval()
    plain = tiny().eval()
    plain.load_state_dict(twin.state_dict())
    assert torch.equal(run(twin), run(plain))
    assert not torch.equal(run(model), run(plain))


def test_activation_checkpointing_drops_the_same_twice():
    model = tiny().train()
    drop(model, ALL)
    run(model).sum().backward()
    wanted = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad()
    for block in model.blocks:
        block.forward = lambda *given, own=block.forward, **named: checkpoint(own, *given, use_reentrant=False, **named)
    run(model).sum().backward()
    found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_the_compiler_takes_it_in_one_piece():
    model = tiny().train()
    drop(model, ALL)
    seen = []

    def backend(module: torch.fx.GraphModule, _given: list[Tensor]) -> object:
        seen.append(module)
        return module

    compiled = torch.compile(model, backend=backend, fullgraph=True)
    assert torch.equal(run(compiled), run(model))
    assert len(seen) == 1
    plain = deepcopy(model)
    drop(plain, Dropout())
    assert torch.equal(run(compiled.eval()), run(plain.eval()))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_out_of_range_is_refused(rate: float):
    with pytest.raises(SpecError, match=f"Dropout of residual is {rate}; it must be at least 0 and below 1"):
        Dropout(residual=rate)
