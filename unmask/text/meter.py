"""What one rendering of a chat template may still make, and until when."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeVar

from jinja2.environment import Environment
from jinja2.runtime import Context

from unmask.base.errors import TemplateError

SECONDS = 2.0  # of the thread's own processor time, so that a busy machine fails no honest template
ALLOWANCE = 5_000_000  # characters and items that any rendering may make ...
PER_CHARACTER = 50  # ... and how many more for each character of its messages

Value = TypeVar("Value")


class Meter(Context):
    """Jinja's context (the variables of one rendering), with an allowance and a deadline."""

    def __init__(
        self,
        environment: Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja passes it by name
    ) -> None:
        super().__init__(environment, parent, name, blocks, globals=globals)
        self.limit = ALLOWANCE + PER_CHARACTER * weight(parent)
        self.left = self.limit
        self.deadline = time.thread_time() + SECONDS

    def charge(self, amount: int) -> None:
        """Take `amount` from the allowance and look at the clock.

        Raises:
            TemplateError: if either has run out.
        """
        self.left -= amount
        if self.left < 0:
            raise TemplateError(
                "The chat template makes more than {limit} characters out of these messages. Correct the template.",
                limit=self.limit,
            )
        if time.thread_time() > self.deadline:
            raise TemplateError(
                "The chat template takes longer than {seconds} seconds. Correct the template.", seconds=SECONDS
            )

    def check(self, value: object) -> None:
        """Refuse a value that would print as more than the whole allowance.

        A list can hold one text a thousand times in no room at all, until something prints or compares it.
        """
        self.charge(self.limit + 1 if weight(value, limit=self.limit) > self.limit else 0)

    def made(self, value: Value) -> Value:
        """Charge a new value: a text by its characters, a container by its items. Returns it."""
        if isinstance(value, str | list | tuple | dict):
            self.charge(len(value))
        if isinstance(value, list | tuple | dict):
            self.check(value)
        return value


def weight(value: object, *, limit: float = math.inf) -> int:
    """About how many characters a value prints as; counting stops soon after `limit`."""
    total, rest = 0, [value]
    while rest and total <= limit:
        item = rest.pop()
        total += 1
        if isinstance(item, str | list | tuple | dict):
            total += len(item)
        elif isinstance(item, int):
            total += item.bit_length() // 3
        if isinstance(item, list | tuple):
            rest.extend(item)
        elif isinstance(item, dict):
            rest.extend(item.keys())
            rest.extend(item.values())
    return total
