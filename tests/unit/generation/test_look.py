from __future__ import annotations

import pytest

import unmask
from unmask.base.errors import ContextError, RequestError
from unmask.core.trace import Watch
from unmask.generation.look import look_at
from unmask.text.stream import spelled_out


def test_every_token_is_called_by_its_characters(tiny_model: unmask.Model):
    found = tiny_model.trace("The quick 猫")
    assert "".join(dict(zip(found.spans, found.tokens, strict=True)).values()) == "The quick 猫"
    assert found.trace.weights[0].shape == (1, 4, len(found.ids), len(found.ids))


def test_ids_that_were_written_are_looked_back_at_as_they_were(tiny_model: unmask.Model):
    tokenizer = tiny_model.tokenizer
    control = tokenizer.id("<|im_start|>")
    assert control is not None
    ids = (control, *(tokenizer.id(letter) for letter in "cat"), *tokenizer.encode("猫", special=False).ids)
    text, encoding = spelled_out(tokenizer, ids)
    found = look_at(tiny_model.core, text, encoding, tokenizer, watch=Watch(layers=(0,)))
    assert found.ids == ids
    assert found.text == "<|im_start|>cat猫"
    assert found.tokens[:4] == ("<|im_start|>", "c", "a", "t")
    assert set(found.tokens[4:]) == {"猫"}


def test_what_does_not_fit_is_not_looked_at(tiny_model: unmask.Model):
    with pytest.raises(ContextError, match="context holds 4096"):
        tiny_model.trace("中" * 5000)


def test_nothing_is_not_looked_at(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match="there is nothing to look at"):
        tiny_model.trace("")
    with pytest.raises(RequestError, match="there is nothing to look at"):
        tiny_model.view("attention", "")
