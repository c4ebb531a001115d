from __future__ import annotations

import json
import sys
from typing import Any

import pytest

import unmask
from unmask.base.errors import MissingExtra, RequestError
from unmask.text.formats import read_gguf
from unmask.text.grammars import KEPT, Kind
from unmask.text.tokenizer import Tokenizer


@pytest.fixture
def tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    """With one token for each byte."""
    found = read_gguf(metadata)
    assert found is not None
    return found


def fits(tokenizer: Tokenizer, kind: Kind, source: str, text: str) -> bool:
    """Whether a text is an answer under the grammar, whole."""
    matcher = tokenizer.grammars.matcher(kind, source)
    return matcher.consume_tokens(list(tokenizer.encode(text, special=False).ids)) and matcher.is_accepting()


def test_a_json_answer_is_an_object_with_blanks_but_never_many(tiny_model: unmask.Model):
    for good in ("{}", '{"a": [1, 2], "b": {}}', '{\n  "a": 1,\r\n\t"b": 2\n}', '{"a":1,"b":2}'):
        assert fits(tiny_model.tokenizer, "json", "", good), good
    for bad in ("[1]", "3", " {}", '{"a":  1}', "{\n\n}", '{"a": 1} ', "{" + "\n" + " " * 41 + "}"):
        assert not fits(tiny_model.tokenizer, "json", "", bad), bad


def test_classes_of_characters_are_ascii_ones_in_an_expression(tiny_model: unmask.Model):
    assert fits(tiny_model.tokenizer, "regex", r"\d\w\s", "1a ")
    assert not fits(tiny_model.tokenizer, "regex", r"\d", "١")
    assert not fits(tiny_model.tokenizer, "regex", r"\w", "é")


def test_a_schema_cannot_change_how_it_is_read(tiny_model: unmask.Model):
    schema = {"type": "array", "x-guidance": {"whitespace_pattern": "x", "lenient": True, "not so": 1}}
    assert fits(tiny_model.tokenizer, "json_schema", json.dumps(schema), "[1, 2]")
    assert not fits(tiny_model.tokenizer, "json_schema", json.dumps(schema), "[1,x2]")


def test_answers_do_not_disturb_one_another(tiny_model: unmask.Model):
    first, second = (tiny_model.tokenizer.grammars.matcher("regex", "ab") for _ in range(2))
    (token,) = tiny_model.tokenizer.encode("a", special=False).ids
    assert first.consume_token(token)
    assert second.consume_token(token)


def test_only_so_many_grammars_are_kept(tiny_model: unmask.Model):
    grammars = tiny_model.tokenizer.grammars
    for number in range(2 * KEPT):
        grammars.matcher("regex", f"x{number}")
    kept = grammars.compiled.cache_info()
    assert kept.currsize == KEPT
    grammars.matcher("regex", f"x{2 * KEPT - 1}")
    assert grammars.compiled.cache_info().hits == kept.hits + 1


# What is wrong, and what the message must say of it.
WRONG: dict[str, tuple[Kind, str, str]] = {
    "no JSON": ("json_schema", "{", "json_schema cannot be used: Expecting property name"),
    "no type": ("json_schema", '{"type": "objekt"}', "objekt"),
    "no schema": ("json_schema", "3", "schema must be an object"),
    "nothing fits": ("json_schema", "false", "schema is false"),
    "contradiction": ("json_schema", '{"type": "integer", "minimum": 5, "maximum": 3}', "minimum (5)"),
    "a keyword we lack": ("json_schema", '{"not": {"type": "string"}}', '"not"'),
    "a format we lack": ("json_schema", '{"type": "string", "format": "color"}', "color"),
    "a reference to nothing": ("json_schema", '{"$ref": "#/$defs/a"}', "/$defs/a"),
    "a reference abroad": ("json_schema", '{"$ref": "http://a.test/b"}', "http://a.test/b"),
    "for ever": ("json_schema", '{"$ref": "#"}', "json_schema leads to where no token"),
    "too deep": ("json_schema", "[" * 100_000, "recursion"),
    "too deep for the package": ("json_schema", '{"items":' * 200 + "{}" + "}" * 200, "recursion"),
    "half a pair": ("json_schema", '{"const": "\\ud800"}', "hex escape"),
    "an open bracket": ("regex", "(a", "unclosed group"),
    "a look ahead": ("regex", "(?=a)b", "look-around"),
    "half an escape": ("regex", "a\\", "in the middle of an escape"),
    "repetition of nothing": ("regex", "*", "repetition operator"),
    "a choice of nothing": ("choice", "[]", "[]"),
    "a choice of numbers": ("choice", '["a", 1]', '["a", 1]'),
    "a choice that is a text": ("choice", '"a"', '"a"'),
    "a choice that is no JSON": ("choice", "a", "Expecting value"),
    "no start": ("lark", 'a: "b"', "start"),
    "no rule": ("lark", "start: a", "unknown name"),
    "brackets upon brackets": ("lark", "start: " + "(" * 5000 + '"a"' + ")" * 5000, "nested"),
    "round in circles": ("lark", "start: a\na: start", "lark leads to where no token"),
    "too many intersections": ("lark", "start: X\nX: /(.*a.{20})/ & /(.*b.{21}.)/ & ~/(.*c.{21}.)/", "fuel"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_grammar_is_refused_and_told_why(tokenizer: Tokenizer, name: str):
    kind, source, reason = WRONG[name]
    with pytest.raises(RequestError) as caught:
        tokenizer.grammars.matcher(kind, source)
    assert reason in str(caught.value)


def test_the_reasons_are_there_in_chinese(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    with pytest.raises(RequestError) as caught:
        tokenizer.grammars.matcher("regex", "a\\")
    assert str(caught.value) == "无法使用这个 regex：它在转义写到一半时就结束了。请改正或简化它。"


def test_without_its_package_it_is_said_what_to_install(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingExtra, match=r"need llguidance. Run: pip install 'unmask\[serve\]'"):
        _ = tokenizer.grammars
