"""The native library is its twin in torch whatever the sizes: products, rows of tables, and whole decoders."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.lowered import compiled_library
from unmask.core.alignment import Dot, ScaledDot
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import ACTIVATIONS, GatedSpec, PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Causal, Full, Window
from unmask.core.norms import LayerNormSpec, RMSNormSpec
from unmask.core.positions import LearnedSpec, Rotary
from unmask.core.residual import Post, Pre
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.lowering.shortcut import shorten
from unmask.native.library import SWITCH, Library
from unmask.quantization.convert import quantize_model
from unmask.quantization.products import multiply
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES, Scheme

schemes = st.sampled_from(sorted({each.name for each in SCHEMES.values()})).map(SCHEMES.__getitem__)
seeds = st.integers(0, 1 << 20)
VOCAB, CONTEXT = 40, 200


@pytest.fixture(autouse=True, scope="module")
def found() -> Library:
    """The library, which these tests are of."""
    return compiled_library()


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scheme=schemes, rows=st.integers(1, 70), width=st.integers(1, 300), count=st.integers(0, 30), seed=seeds,
       biased=st.booleans())  # fmt: skip
def test_products_are_the_twins(
    found: Library, scheme: Scheme, rows: int, width: int, count: int, seed: int, biased: bool
):
    packed = quantize(noise(seed, rows, width), scheme)
    x, bias = noise(seed + 1, count, width), noise(seed + 2, rows) if biased else None
    x[:, :: seed % 200 + 1] *= 30  # a few inputs far from the rest, and a group without any
    x[:, :40] *= seed % 2
    ours, theirs = packed.matrix.multiply(found, x, bias), multiply(packed, x, bias)
    sizes = x.abs() @ packed.unpack().abs().T + 1  # what sums in another order are exact to
    assert ours.shape == theirs.shape == (count, rows)
    assert not count or float(((ours - theirs).abs() / sizes).max()) < 1e-5


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scheme=schemes, rows=st.integers(1, 70), width=st.integers(1, 300), count=st.integers(1, 30), seed=seeds)
def test_a_rows_product_does_not_depend_on_the_rows_beside_it(
    found: Library, scheme: Scheme, rows: int, width: int, count: int, seed: int
):
    packed = quantize(noise(seed, rows, width), scheme)
    x = noise(seed + 1, count, width) ** 5  # some numbers far from the rest, in some rows more than in others
    alone = torch.cat([packed.matrix.multiply(found, row) for row in x.split(1)])
    assert torch.equal(packed.matrix.multiply(found, x), alone)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scheme=schemes, rows=st.integers(1, 70), width=st.integers(1, 300), count=st.integers(0, 9), seed=seeds)
def test_rows_taken_are_the_twins(found: Library, scheme: Scheme, rows: int, width: int, count: int, seed: int):
    packed = quantize(noise(seed, rows, width), scheme)
    ids = torch.randint(0, rows, (2, count), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(packed.matrix.take(found, ids), packed.take(ids), rtol=1e-6, atol=1e-6)


@st.composite
def decoders(draw: st.DrawFn) -> TransformerSpec:
    """Decoders of all the parts that can be lowered, in any combination, with heads of any even width."""
    kv_heads, head_width = draw(st.integers(1, 3)), draw(st.sampled_from((2, 6, 8, 14, 16, 64, 100)))
    width, hidden = draw(st.integers(4, 70)), draw(st.integers(1, 90))
    bias, function, rotary = draw(st.booleans()), draw(st.sampled_from(sorted(ACTIVATIONS))), draw(st.booleans())
    post, gated = draw(st.booleans()), draw(st.booleans())
    norm = draw(st.sampled_from((RMSNormSpec(eps=1e-5), LayerNormSpec(eps=1e-3))))
    attention = AttentionSpec(
        heads=kv_heads * draw(st.integers(1, 4)),
        kv_heads=kv_heads,
        head_width=head_width,
        position=Rotary(width=head_width, theta=100.0) if rotary else None,
        qk_norm=draw(st.sampled_from((None, RMSNormSpec(eps=1e-2)))),
        bias=bias,
        out_bias=draw(st.booleans()),
        alignment=draw(st.sampled_from((ScaledDot(), ScaledDot(divisor=2.0), Dot()))),
        mask=draw(st.sampled_from((Full(), Window(1), Window(4), Window(70)))),
    )
    block = BlockSpec(
        norm=norm,
        residual=Post() if post else Pre(),
        attention=attention,
        feedforward=(GatedSpec if gated else PlainSpec)(hidden=hidden, activation=function, bias=bias),
    )
    other = replace(block, attention=replace(attention, mask=Full()))
    return TransformerSpec(
        width=width,
        context=CONTEXT,
        embedding=EmbeddingSpec(VOCAB, positions=None if rotary else LearnedSpec(CONTEXT)),
        blocks=(block, other),
        mask=Causal(),
        final_norm=None if post else norm,
        head=NextTokenSpec(tied=draw(st.booleans())),
    )


def random(spec: TransformerSpec, scheme: Scheme | None) -> Transformer:
    torch.manual_seed(0)
    model = spec.build().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    if scheme is not None:
        quantize_model(model, scheme)
    return model


def read(model: Transformer, tokens: Tensor, piece: int) -> Tensor:
    cache = model.cache(batch=len(tokens), capacity=tokens.shape[1])
    with torch.inference_mode():
        return torch.cat([model.logits(part, cache=cache) for part in tokens.split(piece, dim=1)], dim=1)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(spec=decoders(), scheme=schemes, half=st.booleans(), length=st.sampled_from((5, 30, 135)))
def test_a_decoder_of_any_parts_is_the_twin_in_one_go_and_token_by_token(spec, scheme, half, length):
    model = random(spec, scheme)
    model.half_cache = half
    tokens = torch.randint(0, VOCAB, (6, length), generator=torch.Generator().manual_seed(length))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "off")
        theirs = read(model, tokens, length)
    shorten(model)
    assert model.shortcut is not None
    at_once = torch.cat([read(model, row, length) for row in tokens.split(1)])
    # An input that float error rounds to another code changes what follows it in its row, now and then: half of the
    # positions at the worst of some hundred models. A wrong operation leaves hardly any as it is. Where many tokens
    # look back together at float16, attention rounds to 16 bits, which moves some code in most rows.
    for ours, near in ((at_once, 1e-2 if half else 2e-5), (read(model, tokens, 1), 2e-5)):
        apart = (ours - theirs).abs().amax(-1) / theirs.abs().max()
        assert float((apart < near).float().mean()) > 0.25


@settings(deadline=None, max_examples=20, derandomize=True)
@given(spec=decoders(), length=st.sampled_from((5, 30, 135)))
def test_a_float32_decoder_of_any_parts_is_torchs(spec: TransformerSpec, length: int):
    model = random(spec, None)
    tokens = torch.randint(0, VOCAB, (6, length), generator=torch.Generator().manual_seed(length))
    theirs = read(model, tokens, length)
    shorten(model)
    assert model.shortcut is not None
    at_once = torch.cat([read(model, row, length) for row in tokens.split(1)])
    for ours in (at_once, read(model, tokens, 1)):
        apart = (ours - theirs).abs() / theirs.abs().max()
        # A norm over a few numbers near 0 makes much of float error, in a position here and there.
        assert float((apart < 1e-4).float().mean()) > 0.9
