"""Fill in the middle, as each family reads it."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, processors

import unmask
from unmask.text.infill import infilled
from unmask.text.tokenizer import Tokenizer


def coder(*control: str, bos: bool = False) -> Tokenizer:
    """Letters by their own ids from 0, then <s>, then the control tokens."""
    letters = {letter: number for number, letter in enumerate("abcdef")}
    backend = tokenizers.Tokenizer(models.WordLevel(letters | {"<s>": 6}))
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    backend.add_special_tokens(["<s>", *control])
    if bos:
        backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 6)])
    return Tokenizer(backend, bos=6, pad=None, ends=frozenset(), specials={})


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"), (7, 0, 1, 8, 2, 9)),
        (("<fim_prefix>", "<fim_suffix>", "<fim_middle>"), (7, 0, 1, 8, 2, 9)),
        (("▁<PRE>", "▁<SUF>", "▁<MID>"), (7, 0, 1, 8, 2, 9)),
        (("[SUFFIX]", "[PREFIX]"), (7, 2, 8, 0, 1)),
    ],
)
def test_each_family_has_its_own_order(control: tuple[str, ...], expected: tuple[int, ...]):
    assert infilled(coder(*control), "ab", "c") == expected


def test_a_text_that_the_model_begins_with_a_token_begins_with_it():
    control = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    assert infilled(coder(*control, bos=True), "a", "") == (6, 7, 0, 8, 9)


def test_a_model_without_the_tokens_cannot(tiny_model: unmask.Model):
    assert infilled(tiny_model.tokenizer, "a", "b") is None
    assert infilled(coder("<fim_prefix>", "<fim_suffix>"), "a", "b") is None
