from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.heads import NextTokenSpec
from unmask.core.initial import SCHEMES, initialize
from unmask.families.gpt import GPTSize, gpt
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.scales import Scale, scaled_bert

SMALL = GPTSize(width=64, depth=3, heads=4, hidden=256, vocab=500, context=32)


def started(spec: object, scheme: str, seed: int = 0) -> nn.Module:
    model = spec.build()
    initialize(model, seed=seed, scheme=scheme)
    return model


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: nn.Module, other: nn.Module) -> bool:
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_gpt2_starts_normal_with_calmer_residual_outputs():
    found = weights(started(gpt(SMALL), "gpt2"))
    for name, value in found.items():
        if value.dim() == 2:
            calm = name.endswith(("attention.out.weight", "feedforward.down.weight"))
            wanted = 0.02 / (2 * SMALL.depth) ** 0.5 if calm else 0.02
            error = 4 * wanted / (2 * value.numel()) ** 0.5  # four standard errors of a standard deviation
            assert value.std().item() == pytest.approx(wanted, abs=error), name
            assert abs(value.mean().item()) < 4 * wanted / value.numel() ** 0.5, name
        else:
            assert torch.equal(value, torch.full_like(value, float(name.endswith("norm.weight")))), name


def test_the_first_gpt_calms_nothing():
    found = weights(started(gpt(SMALL), "gpt"))
    assert found["blocks.2.feedforward.down.weight"].std().item() == pytest.approx(0.02, rel=0.03)


def test_bert_draws_again_what_is_far_off():
    found = weights(started(scaled_bert(Scale(64, 2, 4), 3000, 64), "bert"))
    table = found["embedding.tokens.weight"]
    assert table.abs().max() <= 0.04
    # Of a normal cut at two standard deviations: the variance is 1 - 2 * 2 * density(2) / probability(within 2).
    assert table.std().item() == pytest.approx(0.02 * 0.879626, rel=0.01)
    assert found["summary.classes.weight"].std() > 0
    assert not found["head.out.bias"].any()


def test_the_first_transformer_starts_as_glorot_and_bengio_have_it():
    side = StackSize(depth=2, heads=4, hidden=256)
    found = weights(started(original(OriginalSize(64, side, side, vocab=1000, context=32)), "transformer"))
    up = found["decoder.blocks.1.feedforward.up.weight"]
    edge = (6 / (64 + 256)) ** 0.5
    assert edge * 0.99 < up.abs().max() <= edge
    assert up.std().item() == pytest.approx(edge / 3**0.5, rel=0.02)
    assert found["encoder.embedding.tokens.weight"].std().item() == pytest.approx(64**-0.5, rel=0.01)


def test_a_sublayer_of_a_decoder_is_one_of_three():
    side = StackSize(depth=2, heads=4, hidden=256)
    found = weights(started(original(OriginalSize(64, side, side, vocab=50, context=32)), "gpt2"))
    for part, sublayers in (
        ("encoder.blocks.0.attention", 4),
        ("decoder.blocks.0.attention", 6),
        ("decoder.blocks.1.memory_attention", 6),
    ):
        assert found[f"{part}.out.weight"].std().item() == pytest.approx(0.02 / sublayers**0.5, rel=0.04), part


def test_a_weight_is_a_function_of_seed_and_name_alone():
    deep = weights(started(gpt(replace(SMALL, depth=5)), "gpt"))
    for name, value in weights(started(gpt(SMALL), "gpt")).items():
        assert torch.equal(deep[name], value), name
    other = weights(started(gpt(SMALL), "gpt", seed=1))
    assert not torch.equal(other["blocks.0.attention.key.weight"], deep["blocks.0.attention.key.weight"])
    assert not torch.equal(deep["blocks.1.attention.key.weight"], deep["blocks.0.attention.key.weight"])


def test_what_was_in_a_model_before_does_not_matter():
    model = started(gpt(SMALL), "gpt2")
    again = deepcopy(model)
    for parameter in again.parameters():
        nn.init.constant_(parameter, 7.0)
    initialize(again, seed=0, scheme="gpt2")
    assert same(again, model)


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_without_memory_is_filled_and_stays_tied(tied: bool):
    spec = replace(gpt(SMALL), head=NextTokenSpec(tied=tied))
    with torch.device("meta"):
        model = spec.build()
    initialize(model, seed=0, scheme="gpt2", device=torch.device("cpu"))
    assert same(model, started(spec, "gpt2"))
    assert (model.head.weight is model.embedding.tokens.weight) == tied
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_narrow_weights_are_the_rounded_ones():
    wide, narrow = started(gpt(SMALL), "gpt2"), gpt(SMALL).build().bfloat16()
    initialize(narrow, seed=0, scheme="gpt2")
    assert same(narrow, wide.bfloat16())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_model_begins_knowing_about_nothing(scheme: str):
    model = started(gpt(SMALL), scheme)
    tokens = torch.randint(0, SMALL.vocab, (4, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model.logits(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    # ln 500 = 6.21; Xavier's scores have variance 1, which costs half as much again (a log-normal's mean).
    assert loss.item() == pytest.approx(6.2146 + (0.5 if scheme == "transformer" else 0.0), abs=0.25)


def test_an_unknown_scheme_is_refused_with_the_nearest():
    with pytest.raises(SpecError, match="Unknown starting weights 'bart'.*gpt2.*Did you mean 'bert'"):
        initialize(gpt(SMALL).build(), seed=0, scheme="bart")
