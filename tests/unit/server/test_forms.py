"""What is made of the fields that ask for a form; no server here."""

from __future__ import annotations

import json

import pytest

from unmask.generation.grammar import Grammar
from unmask.server.forms import Formed, levels
from unmask.server.limits import Limits
from unmask.server.refusals import FieldError

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
NAMED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("fields", "kind", "source"),
    [
        ({"response_format": {"type": "json_object"}}, "json", ""),
        ({"response_format": NAMED}, "json_schema", SCHEMA),
        ({"guided_json": SCHEMA}, "json_schema", SCHEMA),
        ({"guided_json": json.dumps(SCHEMA)}, "json_schema", SCHEMA),
        ({"guided_regex": "a+"}, "regex", "a+"),
        ({"guided_choice": ["a", "b"]}, "choice", ["a", "b"]),
        ({"guided_grammar": "start: /a/"}, "lark", "start: /a/"),
        ({"structured_outputs": {"json": SCHEMA}}, "json_schema", SCHEMA),
        ({"structured_outputs": {"json_object": True}}, "json", ""),
        ({"structured_outputs": {"choice": ["a"]}}, "choice", ["a"]),
    ],
)
def test_each_way_to_ask_leads_to_its_grammar(fields: dict[str, object], kind: str, source: object):
    found = Formed(**fields).form(Limits())
    assert found is not None
    assert found[1].kind == kind
    assert (found[1].source if isinstance(source, str) else json.loads(found[1].source)) == source


@pytest.mark.parametrize("fields", [{}, {"response_format": {"type": "text"}}, {"guided_regex": None}])
def test_nothing_asked_is_any_answer(fields: dict[str, object]):
    assert Formed(**fields).form(Limits()) is None


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"guided_regex": "a", "guided_choice": ["b"]}, "guided_choice", "guided_regex asks for one too"),
        ({"response_format": NAMED, "structured_outputs": {"regex": "a"}}, "structured_outputs.regex", "one form"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema", "missing"),
        ({"guided_json": "{"}, "guided_json", "no JSON"),
        ({"guided_regex": "a" * 11}, "guided_regex", "11 characters; at most 10"),
        ({"guided_json": {"a": {"b": {}}}}, "guided_json", "16 characters; at most 10"),
        ({"guided_json": "[[[1]]]"}, "guided_json", "3 levels deep; at most 2"),
    ],
)
def test_what_cannot_be_a_form_is_refused_by_name(fields: dict[str, object], param: str, said: str):
    with pytest.raises(FieldError, match=said) as caught:
        Formed(**fields).form(Limits(schema=10, schema_depth=2) if "at most" in said else Limits())
    assert caught.value.values["param"] == param


@pytest.mark.parametrize(("value", "depth"), [(5, 0), ({}, 1), ([[]], 2), ({"a": [1, {"b": {}}], "c": 1}, 4)])
def test_levels_are_counted_along_the_deepest_way(value: object, depth: int):
    assert levels(value) == depth


def test_a_grammar_is_the_same_however_it_is_asked_for():
    forms = [Formed(guided_json=SCHEMA), Formed(structured_outputs={"json": SCHEMA}), Formed(response_format=NAMED)]
    assert {form.form(Limits())[1] for form in forms} == {Grammar("json_schema", json.dumps(SCHEMA))}
