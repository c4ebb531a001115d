"""Whatever a constraint lets through is as it was asked for, for vocabularies of every kind that models write with."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import vocabularies
from tests.vocabularies import TEXTS
from unmask.base.errors import RequestError
from unmask.generation.answer import Answer, Order
from unmask.generation.grammar import Grammar
from unmask.generation.sampling import Sampling
from unmask.text.formats import read_folder
from unmask.text.spelling import Spelling
from unmask.text.tokenizer import Tokenizer

BYTES: dict[str, Any] = {"byte_fallback": True, "rule": "identity", "squeeze": False}


def made() -> Iterator[Tokenizer]:
    makers = [
        lambda folder: vocabularies.roberta(folder, TEXTS, {}),
        lambda folder: vocabularies.pieces(folder, TEXTS, "LlamaTokenizer", algorithm="bpe", **BYTES),
        lambda folder: vocabularies.pieces(folder, TEXTS, "LlamaTokenizer", algorithm="unigram", **BYTES),
    ]
    for make in makers:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))
            tokenizer = read_folder(Path(folder))
            assert tokenizer is not None
            yield tokenizer


@pytest.fixture(scope="module")
def tokenizers() -> list[Tokenizer]:
    return list(made())


def written(grammar: Grammar, tokenizer: Tokenizer, seed: int, rows: int) -> tuple[str, str | None]:
    """An answer of a model that knows nothing, and why it ended; its embedding has so many rows more than tokens."""
    vocab = tokenizer.size + rows
    order = Order((0,), Sampling(temperature=1.0, seed=seed), grammar=grammar)
    answer = Answer(order, tokenizer, context=3_000, vocab=vocab, device=torch.device("cpu"))
    chance = torch.Generator().manual_seed(seed)
    while answer.finish is None:
        answer.push(3 * torch.randn(vocab, generator=chance))
    return answer.text, answer.finish


LEAVES: list[dict[str, Any]] = [
    {"type": "integer", "minimum": -20, "maximum": 300},
    {"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 100},
    {"type": "string", "maxLength": 6},
    {"type": "string", "pattern": "^[a-c]{1,3}é?$"},
    {"type": "string", "format": "date"},
    {"enum": ["a", 1, None, "汉字", {"b": [True]}]},
    {"const": 'a"\\\n'},
    {"type": ["boolean", "null"]},
]


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(st.sampled_from(["a", "名", 'q"', "b c"]), inner, max_size=3)
    return properties.flatmap(
        lambda given: st.sets(st.sampled_from(sorted(given)) if given else st.nothing()).map(
            lambda required: {
                "type": "object",
                "properties": given,
                "required": sorted(required),
                "additionalProperties": False,
            }
        )
    )


SCHEMAS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        objects(inner),
        inner.map(lambda each: {"type": "array", "items": each, "minItems": 1, "maxItems": 2}),
        st.lists(inner, min_size=1, max_size=2).map(lambda each: {"anyOf": each}),
        inner.map(lambda each: {"$ref": "#/$defs/x", "$defs": {"x": each}} if "$defs" not in str(each) else each),
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(schema=SCHEMAS, seed=st.integers(0, 2**31), which=st.integers(0, 2), rows=st.integers(0, 70))
def test_an_answer_under_a_schema_is_valid(
    tokenizers: list[Tokenizer], schema: dict[str, Any], seed: int, which: int, rows: int
):
    if "$ref" in str(schema) and "$defs" not in schema:
        return  # its definitions are not at the root, where the reference looks for them
    text, finish = written(Grammar("json_schema", json.dumps(schema)), tokenizers[which], seed, rows)
    assert finish == "stop"
    jsonschema.validate(json.loads(text), schema, jsonschema.Draft202012Validator)


EXPRESSIONS = [
    r"\d{3}-\w+",
    r"(yes|no)!?",
    r" leading",
    r"[^a-z]{2,5}",
    r"(?i)true",
    r"a/b\n\t\\",
    r"é+|汉{2}",
    r"^x$",
    r"",
]


@settings(deadline=None, max_examples=60)
@given(expression=st.sampled_from(EXPRESSIONS), seed=st.integers(0, 2**31), which=st.integers(0, 2))
def test_an_answer_under_an_expression_matches_it(tokenizers: list[Tokenizer], expression: str, seed: int, which: int):
    text, finish = written(Grammar("regex", expression), tokenizers[which], seed, 0)
    assert finish == "stop"
    assert re.fullmatch(expression, text, re.ASCII), text


@settings(deadline=None, max_examples=60)
@given(
    choices=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=5),
    seed=st.integers(0, 2**31),
    which=st.integers(0, 2),
)
def test_a_choice_is_one_of_the_texts(tokenizers: list[Tokenizer], choices: list[str], seed: int, which: int):
    text, finish = written(Grammar("choice", json.dumps(choices)), tokenizers[which], seed, 0)
    assert (finish, text in choices) == ("stop", True), text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "$ref", "anyOf", "allOf", "not", "pattern", "multipleOf"])
            | st.sampled_from(["enum", "const", "minimum", "maximum", "minLength", "required", "format", "$defs"])
            | st.text(max_size=3),
            inner | st.sampled_from(["object", "string", "integer", "#", "#/$defs/a", "^(a|b", "date"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(["json_schema", "choice", "regex", "lark"]),
    source=st.one_of(
        JSON.map(json.dumps),
        st.text(max_size=30),
        st.text('start:|()[]{}*+?"/\\%json<>@&~a .\n', max_size=40).map(lambda each: f"start: {each}"),
    ),
)
def test_a_grammar_is_taken_or_refused_in_words(tokenizers: list[Tokenizer], kind: Any, source: str):
    with suppress(RequestError):
        constraint = Grammar(kind, source).begin(tokenizers[0], tokenizers[0].size)
        assert constraint.allowed(torch.zeros(tokenizers[0].size)).isfinite().any()


@settings(deadline=None, max_examples=100)
@given(
    text=st.text(st.sampled_from('ab {}",.:éあ😀\n\t<0x41>▁') | st.characters(exclude_categories=["Cs"]), max_size=20)
)
def test_the_bytes_of_tokens_are_what_they_are_decoded_to(tokenizers: list[Tokenizer], text: str):
    for tokenizer in tokenizers:
        ids = tokenizer.encode(text, special=False).ids
        spelled = b"".join(map(Spelling(tokenizer).bytes, ids)).decode()
        assert tokenizer.decode(ids) == (spelled.removeprefix(" ") if tokenizer.grammars.leads else spelled)
