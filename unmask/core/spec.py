"""Specs as plain data: a tree of frozen dataclasses to nested dicts and back, each part under its name."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from unmask.base.errors import SpecError
from unmask.base.registry import nearest
from unmask.core.masks import Both, Causal, Either, Full, Mask, Window

Spec = TypeVar("Spec")

MASKS: tuple[type[Mask], ...] = (Full, Causal, Window, Both, Either)
"""Masks that a spec can hold: those without data of a batch."""


def to_dict(spec: Any) -> Any:
    """Dicts, lists, numbers and strings that JSON can hold; `part` names each dataclass."""
    name = type(spec).__name__
    if is_dataclass(spec):
        return {"part": name} | {field.name: to_dict(getattr(spec, field.name)) for field in fields(spec)}
    return [to_dict(each) for each in spec] if isinstance(spec, tuple) else spec


def from_dict(kind: type[Spec], data: Any) -> Spec:
    """The spec that `to_dict` wrote, equal to the one it was given.

    Raises:
        SpecError: for an unknown part, an unknown or missing field, or a value of the wrong kind.
    """
    made: Spec = read(kind, data, kind.__name__)
    return made


def read(kind: Any, data: Any, where: str) -> Any:
    options = choices(kind)
    if isinstance(data, dict):
        parts = {each.__name__: each for each in options if isinstance(each, type) and is_dataclass(each)}
        return read_part(pick(str(data.get("part")), parts, where), data, where)
    for option in options:
        if typing.get_origin(option) is tuple and isinstance(data, list):
            inner = typing.get_args(option)[0]
            return tuple(read(inner, each, f"{where}[{i}]") for i, each in enumerate(data))
        if option is float and type(data) is int:
            return float(data)
        if isinstance(option, type) and type(data) is option:
            return data
    names = " | ".join(getattr(option, "__name__", str(option)) for option in options)
    raise SpecError("{where} must be {names}, not {value!r}.", where=where, names=names, value=data)


def read_part(part: Any, data: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(part)
    known = {field.name for field in fields(part)}
    given = {name: value for name, value in data.items() if name != "part"}
    for name in given:
        pick(name, dict.fromkeys(known), where)
    try:
        return part(**{name: read(hints[name], value, f"{where}.{name}") for name, value in given.items()})
    except TypeError as error:
        raise SpecError("{where} lacks a field: {reason}.", where=where, reason=str(error)) from error


def pick(name: str, known: dict[str, Any], where: str) -> Any:
    if name not in known:
        raise SpecError(
            "{where} has no {name!r}; known are {known}. Did you mean {nearest}?",
            where=where,
            name=name,
            known=", ".join(known) or "-",
            nearest=" / ".join(nearest(name, known, count=1)) or "-",
        )
    return known[name]


def choices(kind: Any) -> tuple[Any, ...]:
    """The types that a field's annotation allows."""
    if kind is Mask:
        return MASKS
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(option for each in typing.get_args(kind) for option in choices(each))
    return (kind,)
