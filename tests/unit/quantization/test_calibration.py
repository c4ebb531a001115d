"""Calibration of whole models, random and real."""

from __future__ import annotations

import copy
import gzip
from pathlib import Path

import pytest
import torch
from torch import nn

import unmask
from unmask.base.errors import RequestError
from unmask.quantization.calibration import METHODS, calibrated, rows
from unmask.quantization.linear import QuantizedEmbedding, QuantizedLinear
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES
from unmask.quantization.sites import sites, watch

SCHEME = SCHEMES["int4-32"]
METHOD = pytest.mark.parametrize("method", ["awq", "gptq"])


@METHOD
def test_every_matrix_is_quantized_and_the_tied_ones_stay_one(tiny_model: unmask.Model, method: str):
    core, told = copy.deepcopy(tiny_model.core), []
    tokens = torch.randint(0, 290, (6, 40))
    calibrated(core, method, SCHEME, tokens, progress=lambda done, count: told.append((done, count)))
    assert not any(isinstance(part, nn.Linear | nn.Embedding) for part in core.modules())
    assert sum(isinstance(part, QuantizedLinear) for part in core.modules()) == 2 * 7 + 1
    assert isinstance(core.embedding.tokens, QuantizedEmbedding)
    assert core.head.packed is core.embedding.tokens.packed
    assert told == [(1, 2), (2, 2)]
    with torch.no_grad():
        assert core.logits(tokens).isfinite().all()


def test_the_output_is_rounded_by_what_reaches_it(tiny_model: unmask.Model):
    core, tokens = copy.deepcopy(tiny_model.core), torch.randint(0, 290, (6, 40))
    calibrated(core, "awq", SCHEME, tokens)
    weight = tiny_model.core.head.weight.detach()
    with torch.no_grad():
        hidden = tiny_model.core(tokens)

    def error(packed: Packed) -> float:
        return float((hidden @ (packed.unpack() - weight).T).square().sum())

    assert error(core.head.packed) < 0.8 * error(quantize(weight, SCHEME))


@METHOD
def test_an_encoder_can_be_calibrated_too(encoder_model: unmask.Model, method: str):
    core = copy.deepcopy(encoder_model.core)
    tokens = torch.randint(0, 50, (4, 20))
    calibrated(core, method, SCHEMES["int8"], tokens)
    with torch.no_grad():
        torch.testing.assert_close(core(tokens), encoder_model.core(tokens), rtol=0.1, atol=0.2)


@METHOD
@pytest.mark.shared
def test_a_real_layer_changes_less_than_by_plain_rounding_on_words_it_has_not_seen(
    smollm2_model: unmask.Model, shared: Path, method: str
):
    core, scheme = smollm2_model.core, SCHEMES["int4-64"]
    novel = gzip.decompress((shared / "data/gutenberg_en/alice.txt.gz").read_bytes()).decode()
    tokens = torch.tensor(smollm2_model.tokenizer.encode(novel[:20_000]).ids[: 4 * 512]).view(4, 512)
    places = torch.arange(512)[None]
    mask = core.masks(core.spec.mask, start=0, length=512, device=tokens.device)[0]
    turn = core.turns(places, torch.float32)[0]

    def run(block: nn.Module, part: slice) -> torch.Tensor:
        return block(core.embedding(tokens[part], places), layer=0, mask=mask, turn=turn, cache=None)

    def error(quantize_block) -> float:
        block = copy.deepcopy(core.blocks[0])
        seen = watch(sites(block), lambda: run(block, slice(3)))
        for reader, packed in quantize_block(seen, scheme).items():
            reader.weight.data = packed.unpack()
        return float((run(block, slice(3, 4)) - run(core.blocks[0], slice(3, 4))).square().sum())

    with torch.no_grad():
        plain = error(lambda seen, scheme: {r: quantize(r.weight, scheme) for site in seen for r in site.readers})
        assert error(METHODS[method]) < 0.8 * plain


def test_an_unknown_method_is_refused(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match=r"'gtpq'.*awq, gptq.*'gptq'"):
        calibrated(tiny_model.core, "gtpq", SCHEME, torch.zeros(1, 8, dtype=torch.long))


def test_rows_are_the_beginning_of_the_text():
    assert rows(range(1030), context=2048).tolist() == [list(range(512)), list(range(512, 1024))]
    assert rows(range(100), context=30).shape == (3, 30)
    assert rows(range(100_000), context=2048).shape == (64, 512)


def test_a_text_shorter_than_one_row_is_refused():
    with pytest.raises(RequestError, match=r"at least 512 tokens, better 32,768; this one has 511"):
        rows(range(511), context=2048)
