"""What a grammar may ask. The package has limits of its own; these are for the few small texts that pass those.

References that lead from one to the next overflow its stack, a large multiple takes it minutes, and a form with many
optional parts is refused only in the middle of an answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from unmask.base.errors import RequestError

DEEPEST = 1_000
"""Levels, references followed: a fourth of what a thread's usual stack of 8 MB takes."""
MOST_OPTIONAL = 400
LARGEST_MULTIPLE = 10_000
MOST_RULES = 1_000
RULE = re.compile(r"^\s*[?!]?[A-Za-z_]\w*\s*(?:\[|:)", re.MULTILINE)


def check_schema(schema: object) -> None:
    """
    Raises:
        RequestError: if a JSON schema asks too much.
    """
    depth, references, multiples, combines = 0, set(), [], False
    for level, part in parts(schema):
        depth = max(depth, level)
        combines |= "allOf" in part or "$ref" in part
        if isinstance(reference := part.get("$ref"), str):
            references.add(reference)
        if (multiple := exact(part.get("multipleOf"))) is not None:
            multiples.append(multiple)
        check_optional(part)
    if depth * (len(references) + 1) > DEEPEST:
        raise RequestError(
            "The schema has {levels} levels and {references} references: one after the other, they may lead too deep. "
            "Nest it less.",
            levels=depth,
            references=len(references),
        )
    # Where parts are combined, several multiples may hold for one number.
    for together in [multiples] if combines else [[each] for each in multiples]:
        check_multiples(together)


def parts(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every object in some JSON and its level; by levels, since a stack of calls could run out."""
    level, row = 1, [value]
    while row:
        yield from ((level, each) for each in row if isinstance(each, dict))
        row = [
            inner
            for each in row
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        level += 1


def check_optional(part: dict[str, Any]) -> None:
    properties, required = part.get("properties"), part.get("required")
    if not isinstance(properties, dict):
        return
    count = len(properties.keys() - {each for each in required or () if isinstance(each, str)})
    if count > MOST_OPTIONAL:
        raise RequestError(
            "An object of the schema has {count} properties that are not required; at most {limit} are allowed. "
            "Require some of them.",
            count=count,
            limit=MOST_OPTIONAL,
        )


def exact(number: object) -> Decimal | None:
    """A finite number as JSON spells it; None for anything else."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    decimal = Decimal(number if isinstance(number, int) else str(number))
    return decimal if decimal.is_finite() else None


def check_multiples(multiples: list[Decimal]) -> None:
    """Of multiples that hold together."""
    finest = min([0, *(int(each.as_tuple().exponent) for each in multiples)])
    common = math.lcm(*(int(Fraction(each) * 10**-finest) for each in multiples))
    if common > LARGEST_MULTIPLE:
        raise RequestError(
            "The schema's multipleOf make up {number:.6g} steps of {finest}; at most {limit} are allowed. "
            "Leave one out.",
            number=Decimal(common),
            finest=Decimal(1).scaleb(finest),
            limit=LARGEST_MULTIPLE,
        )


def check_lark(source: str) -> None:
    """
    Raises:
        RequestError: if a Lark grammar, or a JSON schema in it, asks too much.
    """
    count = len(RULE.findall(source))
    if count > MOST_RULES:
        raise RequestError(
            "The grammar has {count} rules; at most {limit} are allowed. Make it smaller.",
            count=count,
            limit=MOST_RULES,
        )
    for found in re.finditer(r"%json\s*", source):
        try:
            schema, _ = json.JSONDecoder().raw_decode(source, found.end())
        except (ValueError, RecursionError):  # the package will say what is wrong with it, if it is one
            continue
        check_schema(schema)
