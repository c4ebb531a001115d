"""Answers that call tools, as a grammar in Lark's words (llguidance's dialect of it)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from unmask.text.call_forms import Form

TEXT = r"/(.|\n)*/"
COMBINED = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties", "additionalProperties")
STYLE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}
"""Arguments are written as templates write them, with `tojson`; what a schema asks beyond our means is left out."""


def call_grammar(
    form: Form, marks: Mapping[str, int], tools: Sequence[Mapping[str, Any]], *, required: bool, parallel: bool
) -> str | None:
    """The grammar of an answer; None where it may be text and no mark would tell that a call begins in it.

    Args:
        marks: the form's words that are control tokens -> their ids.
    """
    if not tools or (form.bare and not required):
        return None
    several = parallel and form.between is not None
    rules = []
    for number, tool in enumerate(tools):
        name = json.dumps(tool["function"]["name"])[1:-1]
        begin, end = (terms(text.replace("%s", name), marks) for text in (form.begin, form.end))
        rules.append(f"call_{number}: {begin} %json {json.dumps(arguments(tool['function']))} {end}")
    rules.append("call: " + " | ".join(f"call_{number}" for number in range(len(tools))))
    return "\n".join([*blocks(form, marks, required=required, several=several), *rules])


def blocks(form: Form, marks: Mapping[str, int], *, required: bool, several: bool) -> list[str]:
    """The rules for what is around calls: marks, a list, and text where there may be some."""
    opening, closing, between = (terms(text, marks) for text in (form.opening, form.closing, form.between or ""))
    more = f"({between} call)*" if form.listed and several else ""
    bracket = '" "? "["' if form.listed else ""
    body = f"body: {bracket} call {more} {closing}"
    if required:
        start = f"start: {'' if form.bare else opening} body"
        return [start + (f" ({between} {opening} body)*" if several and not form.listed else ""), body]
    begun = f"begun: TEXT {opening}" if form.opening in marks else f"begun[lazy]: /(.|\\n)*{re.escape(form.opening)}/"
    start = "start: (begun body)* TEXT" if several and not form.listed else "start: TEXT | begun body"
    return [start, body, begun, f"TEXT: {TEXT}"]


def arguments(function: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a tool's arguments: an object, of none but the named ones where it names them plainly."""
    schema = {"type": "object", **(function.get("parameters") or {"properties": {}})}
    if "properties" in schema and not any(each in schema for each in COMBINED):
        schema["additionalProperties"] = False
    return {**schema, "x-guidance": STYLE}


def terms(text: str, marks: Mapping[str, int]) -> str:
    """A text as symbols of a rule; control tokens are named by their ids."""
    pieces = re.split(f"({'|'.join(map(re.escape, marks))})", text) if marks else [text]
    return " ".join(f"<[{marks[each]}]>" if each in marks else json.dumps(each) for each in pieces if each)
