"""What is told of tokens' chances is the model's own distribution, before any setting bends it."""

from __future__ import annotations

import math

import pytest
import torch

import unmask
from unmask.generation.answer import Answer, Order
from unmask.generation.chances import Chance, chances, prompt_chances
from unmask.generation.sampling import Sampling


def test_chances_are_natural_logarithms_and_the_likeliest_come_first():
    logits = torch.tensor([[0.0, math.log(3), math.log(6)], [math.log(2), 0.0, math.log(7)]])
    first, second = chances(logits, [0, 1], best=2)
    assert first == Chance(
        0, pytest.approx(math.log(0.1)), ((2, pytest.approx(math.log(0.6))), (1, pytest.approx(math.log(0.3))))
    )
    assert second.logprob == pytest.approx(math.log(0.1))
    assert [each for each, _ in second.best] == [2, 0]


def test_none_of_the_likeliest_are_told_where_none_are_asked_for():
    assert chances(torch.zeros(1, 4), [2], best=0) == [Chance(2, pytest.approx(-math.log(4)), ())]


def test_a_prompt_s_chances_equal_its_score(tiny_model: unmask.Model):
    text = "What is the capital of France? 云雾山中的小屋里住着一只猫。"
    score = tiny_model.score(text)
    found = prompt_chances(tiny_model.core, score.ids, best=1, size=tiny_model.tokenizer.size)
    assert [each.id for each in found] == list(score.ids[1:])
    assert [each.logprob for each in found] == pytest.approx(list(score.logprobs[1:]), abs=1e-5)


def answer(model: unmask.Model, **wishes: object) -> Answer:
    order = Order((5, 6, 7), Sampling(), **wishes)  # type: ignore[arg-type]
    vocab = model.spec.embedding.vocab
    return Answer(order, model.tokenizer, context=64, vocab=vocab, device=torch.device("cpu"))


def likely(model: unmask.Model, token: int) -> torch.Tensor:
    logits = torch.zeros(model.spec.embedding.vocab)
    logits[token] = 9.0
    return logits


def test_further_ids_end_an_answer_and_the_model_s_own_can_be_ignored(tiny_model: unmask.Model):
    own = min(tiny_model.tokenizer.ends)
    assert answer(tiny_model, ends=frozenset({8})).push(likely(tiny_model, 8)).finish == "stop"
    assert answer(tiny_model).push(likely(tiny_model, own)).finish == "stop"
    piece = answer(tiny_model, endless=True).push(likely(tiny_model, own))
    assert piece.finish is None
    assert piece.id != own


def test_no_end_is_chosen_before_the_least_length(tiny_model: unmask.Model):
    row, own = answer(tiny_model, least=2), likely(tiny_model, min(tiny_model.tokenizer.ends))
    assert [row.push(own).finish for _ in range(3)] == [None, None, "stop"]


def test_a_bias_is_added_before_anything_is_chosen(tiny_model: unmask.Model):
    sampling = Sampling(bias=((9, 20.0), (10, -20.0)))
    order = Order((5, 6, 7), sampling, chances=1)
    vocab = tiny_model.spec.embedding.vocab
    row = Answer(order, tiny_model.tokenizer, context=64, vocab=vocab, device=torch.device("cpu"))
    piece = row.push(likely(tiny_model, 10))
    assert piece.id == 9
    assert piece.chance is not None
    assert piece.chance.best[0][0] == 10  # the model's own view of it


def test_a_bias_of_an_id_that_there_is_not_is_refused(tiny_model: unmask.Model):
    order = Order((5,), Sampling(bias=((99999, 1.0),)))
    with pytest.raises(unmask.UnmaskError, match="names id 99999; this vocabulary has ids from 0 to"):
        Answer(order, tiny_model.tokenizer, context=64, vocab=300, device=torch.device("cpu"))


def test_the_token_that_ends_an_answer_has_a_chance_too(tiny_model: unmask.Model):
    end = min(tiny_model.tokenizer.ends)
    piece = answer(tiny_model, chances=0).push(likely(tiny_model, end))
    assert (piece.id, piece.tokens, piece.finish) == (None, 0, "stop")
    assert piece.chance is not None
    assert piece.chance.id == end
