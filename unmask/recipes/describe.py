"""What a recipe says of itself: its purpose and its knobs, read from its own docstrings, in the user's language.

The English of a docstring is the key of its Chinese wording, as a template's is elsewhere.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from dataclasses import dataclass, fields
from typing import Any

from unmask.base.language import language, translate
from unmask.recipes.knobs import Training, wanted


@dataclass(frozen=True)
class Knob:
    """One of them, as it is shown."""

    name: str
    kind: str
    default: object
    about: str


def purpose(recipe: object) -> str:
    """The first line of its docstring."""
    return worded(str(recipe.__doc__).strip().splitlines()[0])


def knobs_of(kind: type) -> list[Knob]:
    """A recipe's own knobs first, then those that it shares."""
    hints, about = typing.get_type_hints(kind), docstrings(kind)
    shared = {field.name for field in fields(Training)}
    ordered = sorted(fields(kind), key=lambda field: field.name in shared)
    return [Knob(each.name, wanted(hints[each.name]), each.default, worded(about[each.name])) for each in ordered]


def docstrings(kind: type) -> dict[str, str]:
    """The text under each field of a dataclass and of those that it is made of; "" where there is none."""
    found: dict[str, str] = {}
    for each in reversed([base for base in kind.__mro__ if base is not object]):
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(body, ast.ClassDef)
        found |= {name: text for name, text in under_fields(body) if text or name not in found}
    return found


def under_fields(body: ast.ClassDef) -> list[tuple[str, str]]:
    """Each field of a class and the string that follows it."""
    found = []
    for node, after in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told: Any = after.value if isinstance(after, ast.Expr) else None
            found.append((node.target.id, str(told.value) if isinstance(told, ast.Constant) else ""))
    return found


def worded(text: str) -> str:
    return translate(text, language())
