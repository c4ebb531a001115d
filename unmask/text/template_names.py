"""The functions, filters and methods that a chat template may use, each metered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import filters
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace, pass_context

from unmask.base.errors import TemplateError
from unmask.text.meter import Meter, weight

LONGEST_TIME_FORMAT = 100  # characters
DEEPEST_JSON = 1_000  # levels; Python's own limit on recursion stops before

# fmt: off
STRING_METHODS = (
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal",
    "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition",
    "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split",
    "splitlines", "startswith", "strip", "swapcase", "title", "upper",
)
# fmt: on

METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(STRING_METHODS),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"get", "items", "keys", "values"}),
    int: frozenset(),
    float: frozenset(),
}

# Jinja's own, whose result is at most some times as large as what goes in.
# fmt: off
PLAIN_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "safe", "select",
    "selectattr", "sort", "string", "striptags", "title", "trim", "truncate", "unique", "upper", "urlencode",
    "wordcount",
)
# fmt: on


class Names(Namespace):
    """`namespace()`. It prints as its name only: what it holds was never weighed together."""

    def __repr__(self) -> str:
        return "<namespace>"


def mapping(*values: Any, **named: Any) -> dict[Any, Any]:
    """`dict()`, a function and not the class, which has more to offer than a template should have."""
    return dict(*values, **named)


def raise_exception(message: object) -> NoReturn:
    """How a template says that it cannot put these messages into words for its model."""
    raise TemplateError(
        "The chat template refuses these messages: {reason:.300}", reason=" ".join(str(message).split())
    )


def strftime_now(format: str) -> str:  # noqa: A002 - the name in transformers
    """The present local time, as some templates tell it to their model."""
    # The library makes room for 256 characters for each one of the format.
    if len(format) > LONGEST_TIME_FORMAT:
        raise TemplateError(
            "The chat template has a time format of {size} characters; at most {limit} are allowed. Correct it.",
            size=len(format),
            limit=LONGEST_TIME_FORMAT,
        )
    return datetime.now().strftime(format)


GLOBALS: Mapping[str, object] = {
    "dict": mapping,
    "namespace": Names,
    "raise_exception": raise_exception,
    "strftime_now": strftime_now,
}


def price_replace(context: Meter, text: str, old: str, new: str) -> None:
    """Charge what `text.replace(old, new)` adds."""
    context.charge(text.count(old) * len(new))


def price_join(context: Meter, separator: str, values: Iterable[object]) -> list[str]:
    """Charge what `separator.join(values)` makes. Returns the values as texts."""
    texts = []
    for value in values:
        texts.append(str(value))
        context.charge(len(texts[-1]) + len(separator))
    return texts


@pass_context
def join(context: Meter, value: Iterable[Any], d: object = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        value = map(filters.make_attrgetter(context.environment, attribute), value)
    return str(d).join(price_join(context, str(d), value))


@pass_context
def replace(context: Meter, value: object, old: object, new: object, count: int = -1) -> str:
    price_replace(context, str(value), str(old), str(new))
    return context.made(str(value).replace(str(old), str(new), count))


@pass_context
def indent(context: Meter, value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    lines = str(value).count("\n") + 1
    context.charge(lines * (width if isinstance(width, int) else len(width)))
    return context.made(filters.do_indent(str(value), width, first, blank))


@pass_context
def tojson(
    context: Meter,
    value: object,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON for a model to read: unlike Jinja's own filter it leaves < and > and 汉字 as they are."""
    context.charge(DEEPEST_JSON * (indent if isinstance(indent, int) else len(indent or "")))
    context.charge(weight(value, limit=context.limit) * sum(map(len, separators or ())))
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    return "".join(price_join(context, "", encoder.iterencode(value)))


def metered(name: str, plain: SandboxedEnvironment) -> Callable[..., Any]:
    """Jinja's filter `name`, with its result charged."""

    @pass_context
    def run(context: Meter, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        return context.made(plain.call_filter(name, value, args, kwargs, context, context.eval_ctx))

    return run


def all_filters() -> dict[str, Callable[..., Any]]:
    plain = SandboxedEnvironment()
    own: dict[str, Callable[..., Any]] = {"indent": indent, "join": join, "replace": replace, "tojson": tojson}
    return {name: metered(name, plain) for name in PLAIN_FILTERS} | own
