from __future__ import annotations

import json
from typing import Any

import pytest

from unmask.base.errors import RequestError
from unmask.text.grammar_limits import check_lark, check_schema


def chain(length: int) -> dict[str, Any]:
    """A schema whose references lead from one to the next."""
    parts = {str(at): {"type": "array", "items": {"$ref": f"#/$defs/{at + 1}"}} for at in range(length)}
    return {"$ref": "#/$defs/0", "$defs": {**parts, str(length): {"type": "integer"}}}


def test_references_that_may_lead_too_deep_are_refused():
    check_schema(chain(100))
    with pytest.raises(RequestError, match="4 levels and 901 references"):
        check_schema(chain(900))


def test_one_reference_may_be_followed_from_many_places():
    check_schema({"$defs": {"a": {}}, "properties": {str(each): {"$ref": "#/$defs/a"} for each in range(300)}})


def test_too_many_optional_properties_are_refused():
    many = {str(each): {"type": "integer"} for each in range(401)}
    check_schema({"properties": many, "required": ["0"]})
    with pytest.raises(RequestError, match="401 properties that are not required; at most 400"):
        check_schema({"items": [{"properties": many}]})


@pytest.mark.parametrize(("multiples", "steps"), [([12_345], 12345), ([997, 991], 988027), ([0.001, 101], 101000)])
def test_multiples_of_too_many_steps_are_refused(multiples: list[float], steps: int):
    with pytest.raises(RequestError, match=f"{steps} steps"):
        check_schema({"allOf": [{"multipleOf": each} for each in multiples]})


def test_usual_multiples_pass():
    check_schema({"anyOf": [{"multipleOf": each} for each in (0.01, 5, 60, 1000, 1e-300, 0, -1, "x", True, 1e999)]})
    check_schema({"allOf": [{"multipleOf": each} for each in (0.01, 5, 100)]})


def test_a_multiple_of_any_length_is_counted():
    with pytest.raises(RequestError, match=r"1.00000e\+4000 steps of 1"):
        check_schema({"multipleOf": 10**4000})


def test_too_many_rules_are_refused():
    rules = "\n".join(f"r{each}: r{each + 1}" for each in range(1001))
    with pytest.raises(RequestError, match="1001 rules; at most 1000"):
        check_lark(rules)


def test_a_schema_in_a_grammar_is_held_to_the_same():
    check_lark('start: "%json" %json {"type": "integer"} | %json broken')
    with pytest.raises(RequestError, match="references"):
        check_lark(f"start: %json {json.dumps(chain(900))}")


def test_what_is_no_schema_passes_for_others_to_judge():
    for each in (3, None, [], [[{}]], {"properties": 3, "required": 4, "$ref": 5}):
        check_schema(each)
