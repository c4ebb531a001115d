"""AWQ: what is folded changes nothing but how well the weights can be rounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from unmask.core.positions import Rotary
from unmask.core.residual import Post
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.families.gpt import GPTSize, gpt
from unmask.families.llama import LlamaSize, llama
from unmask.quantization.awq import best_factors, output_error, quantize_block
from unmask.quantization.schemes import SCHEMES
from unmask.quantization.sites import Inputs, Site, sites

SCHEME = SCHEMES["int4-32"]
LLAMA = llama(
    LlamaSize(
        width=48, depth=1, heads=6, kv_heads=2, hidden=80, vocab=50, context=64, norm_eps=1e-5, tied=True, bias=True,
        out_bias=True, feedforward_bias=True, rotary=Rotary(width=8),
    )
)  # fmt: skip
GPT = gpt(GPTSize(width=32, depth=1, heads=4, hidden=64, vocab=50, context=64))
POST = replace(LLAMA, blocks=(replace(LLAMA.blocks[0], residual=Post()),))
SPECS = {"llama, grouped heads": LLAMA, "gpt": GPT, "norm after": POST}


def random(spec: TransformerSpec) -> Transformer:
    """A model with no weight at 0 or 1, where folding would not be seen."""
    model = spec.build().eval()
    for weight in model.parameters():
        nn.init.normal_(weight, mean=0.1, std=0.3)
    return model


@pytest.mark.parametrize(("name", "folded"), [("llama, grouped heads", 4), ("gpt", 3), ("norm after", 2)])
def test_folding_any_factors_leaves_what_a_model_says_as_it_was(name: str, folded: int):
    model, tokens = random(SPECS[name]), torch.randint(0, 50, (2, 20))
    places = [site for site in sites(model.blocks[0]) if site.source is not None]
    with torch.no_grad():
        before = model.logits(tokens)
        weights = [site.readers[0].weight.clone() for site in places]
        for site in places:
            site.fold(torch.rand(int(site.channels.max()) + 1) * 4 + 0.25)
        after = model.logits(tokens)
    assert len(places) == folded
    assert not any(torch.equal(site.readers[0].weight, weight) for site, weight in zip(places, weights, strict=True))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def loud(width: int) -> tuple[Tensor, Site]:
    """Inputs of which a few channels are much larger, and two Linears that read them after a norm."""
    sizes = torch.ones(width)
    sizes[::13] = 30.0
    readers = tuple(nn.Linear(width, rows) for rows in (24, 40))
    return torch.randn(300, width) * sizes, Site(readers, nn.RMSNorm(width), torch.arange(width))


def seen(x: Tensor) -> Inputs:
    found = Inputs(torch.zeros(2 * x.shape[1:]), torch.zeros(x.shape[1:]))
    found.add(x)
    return found


def test_the_error_is_that_of_the_outputs_themselves():
    x, site = loud(64)
    linear, factors = site.readers[0], torch.rand(64) + 0.5
    weight = linear.weight.detach()
    from unmask.quantization.rounding import quantize

    made = quantize(weight * factors, SCHEME).unpack()
    expected = float(((x / factors) @ made.T - x @ weight.T).double().square().sum())
    assert output_error(weight, factors, seen(x), SCHEME) == pytest.approx(expected, rel=1e-3)


def test_where_few_channels_are_loud_their_columns_are_scaled_up_and_the_outputs_change_less():
    x, site = loud(64)
    factors = best_factors(site, seen(x), SCHEME)
    quiet = torch.ones(64, dtype=torch.bool)
    quiet[::13] = False
    assert factors[~quiet].min() > factors[quiet].max()
    for reader in site.readers:
        plain = output_error(reader.weight.detach(), torch.ones(64), seen(x), SCHEME)
        assert output_error(reader.weight.detach(), factors, seen(x), SCHEME) < 0.5 * plain


def test_heads_that_share_a_value_share_its_factor():
    model = random(LLAMA)
    site = sites(model.blocks[0])[1]
    factors = torch.arange(1.0, 17.0)
    before = site.readers[0].weight.detach().clone()
    site.fold(factors)
    ratio = (site.readers[0].weight / before)[0].view(6, 8)  # heads, channels
    expected = factors.view(2, 8).repeat_interleave(3, dim=0)
    torch.testing.assert_close(ratio, expected)


def test_a_block_comes_out_in_the_scheme_with_all_its_linears():
    x, site = loud(64)
    alone = Site((nn.Linear(64, 16),), None, torch.arange(64))
    made = quantize_block({site: seen(x), alone: seen(x)}, SCHEME)
    assert set(made) == {*site.readers, *alone.readers}
    assert {packed.scheme for packed in made.values()} == {SCHEME}
