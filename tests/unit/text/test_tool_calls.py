"""Grammars for calls, and that what they let through is what the parser finds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

import unmask
from unmask.text.call_forms import GLM4, HERMES, LLAMA, MISTRAL, MISTRAL_NAMED, Form
from unmask.text.chat import ChatTemplate
from unmask.text.tokenizer import Tokenizer
from unmask.text.tool_calls import CallBegins, Calling, calling_of

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        },
    },
    {"type": "function", "function": {"name": "now"}},
]
ADD, NOW = ('{"name": "add", "arguments": {"a": 1}}', '{"name": "now", "arguments": {}}')
ONE: dict[str, tuple[Form, str]] = {
    "hermes": (HERMES, f"<tool_call>\n{ADD}\n</tool_call>"),
    "llama": (LLAMA, '{"name": "add", "parameters": {"a": 1}}'),
    "mistral": (MISTRAL, f"[TOOL_CALLS] [{ADD}]"),
    "devstral": (MISTRAL_NAMED, '[TOOL_CALLS]add[ARGS]{"a": 1}'),
    "glm-4": (GLM4, 'add\n{"a": 1}'),
}
TWO: dict[str, tuple[Form, str]] = {
    "hermes": (HERMES, f"<tool_call>\n{ADD}\n</tool_call>\n<tool_call>\n{NOW}\n</tool_call>"),
    "mistral": (MISTRAL, f"[TOOL_CALLS][{ADD}, {NOW}]"),
    "devstral": (MISTRAL_NAMED, '[TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]now[ARGS]{}'),
}


def fits(tokenizer: Tokenizer, lark: str, text: str, marks: Mapping[int, str]) -> bool:
    """Whether a text, with marks that are tokens by themselves in it, is an answer under the grammar, whole."""
    ids = {word: token for token, word in marks.items()}
    parts = re.split("|".join(f"({re.escape(word)})" for word in ids), text) if ids else [text]
    tokens = [
        token
        for part in filter(None, parts)
        for token in ((ids[part],) if part in ids else tokenizer.encode(part, special=False).ids)
    ]
    matcher = tokenizer.grammars.matcher("lark", lark)
    return matcher.consume_tokens(tokens) and matcher.is_accepting()


@pytest.fixture(params=["written out", "tokens"])
def marks(request: pytest.FixtureRequest, tiny_model: unmask.Model) -> dict[int, str]:
    """The marks that are control tokens: none, or as many as the tiny model has control tokens for."""
    controls = sorted(tiny_model.tokenizer.controls)
    words = ("<tool_call>", "[TOOL_CALLS]") if request.param == "tokens" else ()
    return dict(zip(controls, words, strict=False))


@pytest.mark.parametrize("name", ONE)
def test_where_a_call_is_required_there_is_nothing_else(name: str, marks: dict[int, str], tiny_model: unmask.Model):
    form, call = ONE[name]
    lark = Calling(form, marks).grammar(TOOLS, required=True, parallel=True)
    assert lark is not None
    assert fits(tiny_model.tokenizer, lark, call, marks)
    for bad in ("", "Hm. " + call, call + " So.", call.replace("add", "rm"), call.replace("1", '"1"'), call[:-1]):
        assert not fits(tiny_model.tokenizer, lark, bad, marks), bad


@pytest.mark.parametrize("name", TWO)
def test_several_calls_are_allowed_unless_they_are_not(name: str, marks: dict[int, str], tiny_model: unmask.Model):
    form, calls = TWO[name]
    for required in (True, False):
        several, single = (
            Calling(form, marks).grammar(TOOLS, required=required, parallel=parallel) for parallel in (True, False)
        )
        assert several is not None
        assert single is not None
        assert fits(tiny_model.tokenizer, several, calls, marks)
        assert not fits(tiny_model.tokenizer, single, calls, marks)
        assert fits(tiny_model.tokenizer, single, ONE[name][1], marks)


@pytest.mark.parametrize("name", TWO)
def test_what_begins_as_a_call_goes_on_as_one_in_a_free_answer(
    name: str, marks: dict[int, str], tiny_model: unmask.Model
):
    form, call = ONE[name]
    lark = Calling(form, marks).grammar(TOOLS, required=False, parallel=True)
    assert lark is not None
    for good in ("", "Hi <b> [1]\n\n", "Hm.\n" + call, call):
        assert fits(tiny_model.tokenizer, lark, good, marks), good
    for bad in (call.replace("add", "rm"), call.replace("1", '"1"'), call[:-1]):
        assert not fits(tiny_model.tokenizer, lark, bad, marks), bad


@pytest.mark.parametrize("form", [LLAMA, GLM4])
def test_a_free_answer_whose_calls_have_no_mark_is_held_to_nothing(form: Form):
    assert Calling(form, {}).grammar(TOOLS, required=False, parallel=True) is None
    assert Calling(HERMES, {}).grammar([], required=False, parallel=True) is None


def test_references_inside_a_tools_parameters_are_its_own(tiny_model: unmask.Model):
    parameters = {"properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"], "$defs": {"n": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "add", "parameters": parameters}}
    lark = Calling(HERMES, {}).grammar([tool], required=True, parallel=False)
    assert lark is not None
    assert fits(tiny_model.tokenizer, lark, ONE["hermes"][1], {})
    assert not fits(tiny_model.tokenizer, lark, ONE["hermes"][1].replace("1", "null"), {})


def test_arguments_that_a_tool_does_not_name_are_left_out_unless_it_allows_them(tiny_model: unmask.Model):
    more = ONE["hermes"][1].replace('"a": 1', '"a": 1, "b": 2')
    for extra, want in (({}, False), ({"additionalProperties": True}, True)):
        function = TOOLS[0]["function"]
        tool = {"type": "function", "function": {**function, "parameters": {**function["parameters"], **extra}}}
        lark = Calling(HERMES, {}).grammar([tool], required=True, parallel=False)
        assert lark is not None
        assert fits(tiny_model.tokenizer, lark, more, {}) == want


def test_what_a_tools_schema_asks_beyond_our_means_is_left_out(tiny_model: unmask.Model):
    parameters = {"type": "object", "properties": {"a": {"type": "integer", "not": {"const": 2}}}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "add", "parameters": parameters}}
    lark = Calling(HERMES, {}).grammar([tool], required=True, parallel=False)
    assert lark is not None
    assert fits(tiny_model.tokenizer, lark, ONE["hermes"][1], {})


def test_marks_that_are_control_tokens_are_found_in_the_vocabulary(tiny_model: unmask.Model):
    template = ChatTemplate("{{ '[TOOL_CALLS]' }}", {})
    assert calling_of(template, tiny_model.tokenizer) == Calling(MISTRAL, {})
    tiny_model.tokenizer.backend.add_special_tokens(["[TOOL_CALLS]"])
    tokenizer = Tokenizer(tiny_model.tokenizer.backend, None, None, frozenset(), {})
    token = tokenizer.id("[TOOL_CALLS]")
    assert token is not None
    assert calling_of(template, tokenizer) == Calling(MISTRAL, {token: "[TOOL_CALLS]"})


def test_the_parser_knows_the_tools_by_name():
    parser = Calling(LLAMA, {}).parser(TOOLS, certain=False)
    events = parser.push(json.dumps({"name": "now", "parameters": {}}))
    assert [each.name for each in events if isinstance(each, CallBegins)] == ["now"]
