from __future__ import annotations

import json

import jsonschema
import pytest
import tokenizers
import torch
from tokenizers import models

import unmask
from unmask.base.errors import RequestError
from unmask.generation.answer import Answer, Order
from unmask.generation.grammar import Constraint, Grammar
from unmask.generation.replies import replies
from unmask.generation.sampling import Sampling
from unmask.text.tokenizer import Tokenizer

NO = float("-inf")


def letters(*tokens: str) -> Tokenizer:
    """A vocabulary of just these tokens, and an end."""
    backend = tokenizers.Tokenizer(
        models.WordLevel({token: at for at, token in enumerate(tokens)}, unk_token=tokens[0])
    )
    backend.add_special_tokens(["<end>"])
    return Tokenizer(backend, None, None, frozenset({len(tokens)}), {})


def test_only_what_the_grammar_allows_keeps_its_logit():
    constraint = Grammar("regex", "ab?|c").begin(letters("a", "b", "ab", "c"), 5)
    logits = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    assert constraint.allowed(logits).tolist() == [1.0, NO, 3.0, 4.0, NO]
    assert logits.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]  # what was given is not changed
    constraint.advance(0)
    assert constraint.allowed(logits).tolist() == [NO, 2.0, NO, NO, 5.0]
    assert not constraint.ended
    constraint.advance(1)
    assert constraint.ended


def test_rows_of_the_embedding_past_the_tokens_are_never_allowed():
    constraint = Grammar("regex", "(.|\n)*").begin(letters("a", "b"), 100)
    assert constraint.allowed(torch.zeros(100)).isfinite().tolist() == [True] * 3 + [False] * 97


def test_fewer_rows_than_tokens_are_no_harm():
    constraint = Grammar("regex", "[ab]").begin(letters("a", "b"), 1)
    assert constraint.allowed(torch.zeros(1)).isfinite().tolist() == [True]


def test_control_tokens_are_not_text():
    tokenizer = letters("a")
    tokenizer.backend.add_special_tokens(["a-b"])
    constraint = Grammar("regex", "a(-b)?a?").begin(Tokenizer(tokenizer.backend, None, None, frozenset({1}), {}), 3)
    assert constraint.allowed(torch.zeros(3)).isfinite().tolist() == [True, False, False]


def test_a_model_without_an_end_stops_where_nothing_can_follow():
    backend = letters("a", "b").backend
    constraint = Grammar("regex", "ab").begin(Tokenizer(backend, None, None, frozenset(), {}), 3)
    for token in (0, 1):
        assert constraint.allowed(torch.zeros(3)).isfinite().nonzero().tolist() == [[token]]
        constraint.advance(token)
    assert constraint.ended


def test_halves_of_numbers_keep_their_type():
    constraint = Grammar("regex", "a").begin(letters("a", "b"), 3)
    assert constraint.allowed(torch.zeros(3, dtype=torch.bfloat16)).dtype == torch.bfloat16


def write(constraint: Constraint, tokens: list[int], *, vocab: int) -> None:
    for token in tokens:
        constraint.allowed(torch.zeros(vocab))
        constraint.advance(token)


def test_an_answer_that_no_token_goes_on_with_is_given_up():
    constraint = Grammar("regex", "aa[bc]").begin(letters("a", "x"), 3)
    with pytest.raises(RequestError, match="regex leads to where no token of this model can come next"):
        write(constraint, [0, 0, 0], vocab=3)


def test_an_answer_that_grows_too_complex_is_given_up():
    constraint = Grammar("lark", 'start: ("a"{1,10000}){1,10000}').begin(letters("a", "b"), 3)
    with pytest.raises(RequestError, match="lark cannot be used: .*items"):
        write(constraint, [0] * 3_000, vocab=3)


def test_a_token_that_is_not_allowed_is_refused():
    constraint = Grammar("regex", "a").begin(letters("a", "b"), 3)
    with pytest.raises(RequestError, match="regex cannot be used"):
        constraint.advance(1)


SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "maximum": 150}, "sex": {"enum": ["f", "m"]}},
    "required": ["age", "sex"],
    "additionalProperties": False,
}


def test_the_real_models_answer_is_of_the_schema(smollm2_model: unmask.Model):
    prompt = smollm2_model.reader.render([{"role": "user", "content": "Ada is 36."}])
    order = Order(prompt, Sampling(1.5, seed=1), limit=50, grammar=Grammar("json_schema", json.dumps(SCHEMA)))
    vocab = smollm2_model.spec.embedding.vocab
    answer = Answer(
        order,
        smollm2_model.tokenizer,
        context=smollm2_model.context,
        vocab=vocab,
        device=smollm2_model.core.device,
    )
    (reply,) = replies(smollm2_model.core, [answer])
    assert reply.finish == "stop"
    jsonschema.validate(json.loads(reply.text), SCHEMA)
