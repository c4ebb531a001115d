"""What was expected at each place, against transformers and against plain loops."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

import unmask
from unmask.base.errors import RequestError
from unmask.generation.foresight import foresee
from unmask.generation.look import named

TEXT = "The quick brown fox jumps over the lazy 猫."


def test_probabilities_are_those_of_transformers(tiny_model: unmask.Model, tiny_folder: Path):
    ids = tiny_model.tokenizer.encode(TEXT).ids
    found = foresee(tiny_model.core, tiny_model.tokenizer, ids, start=3, best=4)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    with torch.no_grad():
        wanted = theirs(torch.tensor([ids])).logits[0].softmax(dim=-1)
    assert len(found) == len(ids) - 3
    for at, place in enumerate(found, 3):
        row = wanted[at - 1]
        likely = row.topk(4)
        assert place.id == ids[at]
        assert place.probability == pytest.approx(float(row[ids[at]]), rel=1e-4)
        assert place.rank == int((row > row[ids[at]]).sum())
        assert place.entropy == pytest.approx(-sum(float(p) * float(p.log()) for p in row), rel=1e-4)
        assert [each.id for each in place.best] == likely.indices.tolist()
        assert [each.probability for each in place.best] == pytest.approx(likely.values.tolist(), rel=1e-4)


def test_the_logarithms_sum_to_the_score(tiny_model: unmask.Model):
    found = foresee(tiny_model.core, tiny_model.tokenizer, tiny_model.tokenizer.encode(TEXT).ids)
    total = sum(torch.tensor(place.probability).log() for place in found)
    assert float(total) == pytest.approx(tiny_model.score(TEXT).total, rel=1e-4)


def test_a_masked_model_expects_each_token_from_all_the_others(encoder_folder: Path):
    model = unmask.load(encoder_folder)
    ids = list(model.tokenizer.encode("the cat sat on the mat.").ids)
    found = foresee(model.core, model.tokenizer, ids, start=1)
    assert [place.id for place in found] == ids[1:]
    for at, place in enumerate(found, 1):
        hidden = [model.tokenizer.mask if i == at else each for i, each in enumerate(ids)]
        with torch.no_grad():
            wanted = model.logits(torch.tensor([hidden]))[0, at].softmax(dim=-1)
        assert place.probability == pytest.approx(float(wanted[ids[at]]), rel=1e-4)


def test_a_model_without_a_head_expects_nothing():
    model = unmask.load("minilm")
    with pytest.raises(RequestError, match="predicts no tokens"):
        foresee(model.core, model.tokenizer, model.tokenizer.encode("a cat").ids)


def test_each_token_is_named(tiny_model: unmask.Model):
    encoding = tiny_model.tokenizer.encode("a cat")
    assert "".join(named("a cat", encoding, tiny_model.tokenizer)) == "a cat"
