"""Texts, or ids in their place: the four forms in which OpenAI's API takes them, and what may not be among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard

from unmask.server.refusals import FieldError

Texts = list[str]
Rows = list[list[int]]


def is_row(given: object) -> TypeGuard[list[int]]:
    # By its exact type, since True and False are ints too.
    return isinstance(given, list) and bool(given) and all(type(each) is int for each in given)


def listed(param: str, *, most: int) -> Callable[[object], Texts | Rows]:
    """A reader of the field `param`: a text, texts, ids, or rows of ids, as a list of texts or of rows.

    What it returns raises:
        FieldError: if it is none of these, or too much, or has nothing in it somewhere.
    """

    def read(given: object) -> Texts | Rows:
        items = [given] if isinstance(given, str) or is_row(given) else given
        if not isinstance(items, list) or not items:
            raise FieldError(
                "{param}: give a text, a list of texts, a list of token ids, or a list of such lists.", param=param
            )
        if len(items) > most:
            raise FieldError(
                "{param}: it has {count} texts; at most {most} are taken at once. Send the others in a second request.",
                param=param,
                count=len(items),
                most=most,
            )
        texts = isinstance(items[0], str)
        for number, item in enumerate(items):
            if item in ("", []):
                raise FieldError("{param}: it is empty, so there is nothing to read.", param=f"{param}[{number}]")
            if not (isinstance(item, str) if texts else is_row(item)):
                raise FieldError(
                    "{param}: all must be texts, or all lists of token ids (whole numbers).", param=f"{param}[{number}]"
                )
        return items

    return read


def check_ids(ids: Sequence[int], param: str, *, vocab: int) -> None:
    """
    Raises:
        FieldError: if the vocabulary has no such id; says which, and its range.
    """
    strange = next((each for each in ids if not 0 <= each < vocab), None)
    if strange is not None:
        raise FieldError(
            "{param}: id {id} is outside this model's vocabulary, which has ids from 0 to {last}.",
            param=param,
            id=strange,
            last=vocab - 1,
        )
