"""What an answer must look like, in OpenAI's words for it and in vLLM's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field

from unmask.generation.grammar import Grammar
from unmask.server.bounds import check_characters
from unmask.server.refusals import FieldError
from unmask.server.schemas import Fields

if TYPE_CHECKING:
    from unmask.server.limits import Limits

Schema = dict[str, Any]
Kind = Literal["json_schema", "json", "regex", "choice", "lark"]
Form = tuple[Kind, object]
"""A grammar's kind, and what is given for it."""

SCHEMA = "A JSON schema, or its text."
REGEX = "A regular expression for the whole answer."
CHOICE = "The answer is one of these texts."
GRAMMAR = "A grammar in Lark's notation."


class NamedSchema(Fields):
    name: str | None = None
    description: str | None = None
    schema_: Schema | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Fields):
    """OpenAI's way to ask for a form."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class Structured(Fields):
    """vLLM's way to ask for a form; exactly one field."""

    # What is not known here would be a form that the answer then does not have.
    model_config = ConfigDict(extra="forbid", strict=True)

    json_: Schema | str | None = Field(None, alias="json", description=SCHEMA)
    json_object: bool | None = Field(None, description="Any JSON object.")
    regex: str | None = Field(None, description=REGEX)
    choice: list[str] | None = Field(None, min_length=1, max_length=1024, description=CHOICE)
    grammar: str | None = Field(None, description=GRAMMAR)

    def forms(self) -> Iterator[tuple[str, Form]]:
        """Those that are asked for, by the names of their fields."""
        given: list[tuple[str, Kind, object]] = [
            ("json", "json_schema", self.json_),
            ("json_object", "json", "" if self.json_object else None),
            ("regex", "regex", self.regex),
            ("choice", "choice", self.choice),
            ("grammar", "lark", self.grammar),
        ]
        return ((name, (kind, form)) for name, kind, form in given if form is not None)


class Formed(Fields):
    """The fields of a request that ask for a form; at most one of them may."""

    response_format: ResponseFormat | None = None
    structured_outputs: Structured | None = None
    guided_json: Schema | str | None = Field(None, description=SCHEMA)
    guided_regex: str | None = Field(None, description=REGEX)
    guided_choice: list[str] | None = Field(None, min_length=1, max_length=1024, description=CHOICE)
    guided_grammar: str | None = Field(None, description=GRAMMAR)

    def form(self, limits: Limits) -> tuple[str, Grammar] | None:
        """The form that is asked for, and the field that does it; None where any answer will do.

        Raises:
            FieldError: if there are several, or it is too large.
        """
        found = list(self.forms())
        if len(found) > 1:
            raise FieldError(
                "{param}: an answer can have one form, and {other} asks for one too. Leave one of them out.",
                param=found[1][0],
                other=found[0][0],
            )
        if not found:
            return None
        (param, (kind, given)) = found[0]
        return param, grammar(param, kind, given, limits)

    def forms(self) -> Iterator[tuple[str, Form]]:
        asked = self.response_format
        if asked and asked.type == "json_object":
            yield "response_format", ("json", "")
        if asked and asked.type == "json_schema":
            param = "response_format.json_schema.schema"
            if asked.json_schema is None or asked.json_schema.schema_ is None:
                raise FieldError("{param}: it is missing.", param=param)
            yield param, ("json_schema", asked.json_schema.schema_)
        guided = {name: getattr(self, f"guided_{name}") for name in ("json", "regex", "choice", "grammar")}
        for where, given in (("guided_", Structured(**guided)), ("structured_outputs.", self.structured_outputs)):
            for name, form in given.forms() if given else ():
                yield where + name, form


def grammar(param: str, kind: Kind, given: object, limits: Limits) -> Grammar:
    """
    Raises:
        FieldError: if it is too long, nested too deep, or a text for a schema that is not JSON.
    """
    source = given if isinstance(given, str) else json.dumps(given)
    check_characters(param, [source], limits.schema)
    if kind == "json_schema":
        try:
            depth = levels(json.loads(source))
        except (ValueError, RecursionError) as error:
            raise FieldError("{param}: it is no JSON: {reason:.200}.", param=param, reason=str(error)) from error
        if depth > limits.schema_depth:
            raise FieldError(
                "{param}: it is nested {depth} levels deep; at most {most} are taken here.",
                param=param,
                depth=depth,
                most=limits.schema_depth,
            )
    return Grammar(kind, source)


def levels(value: object) -> int:
    """How deep lists and objects are nested; walked level by level, since a stack of calls could run out."""
    depth, level = 0, [value]
    while nested := [each for each in level if isinstance(each, list | dict)]:
        depth += 1
        level = [inner for each in nested for inner in (each.values() if isinstance(each, dict) else each)]
    return depth
