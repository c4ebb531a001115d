"""How much one request may ask for: its own numbers against the server's limits, before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from unmask.base.errors import ContextError
from unmask.server.refusals import FieldError

if TYPE_CHECKING:
    from unmask.server.limits import Limits


def check_most(found: Iterable[tuple[str, int, int]]) -> None:
    """
    Args:
        found: of each field its name, its number (of items, or what it says), and the most that is taken.
    Raises:
        FieldError: for the first that is more.
    """
    for param, count, most in found:
        if count > most:
            raise FieldError(
                "{param}: {count} is more than the {most} taken here.", param=param, count=count, most=most
            )


def check_characters(param: str, texts: Iterable[str], most: int) -> None:
    """
    Raises:
        FieldError: if the texts have together more characters than that.
    """
    count = sum(map(len, texts))
    if count > most:
        raise FieldError(
            "{param}: it has {count} characters; at most {most} are taken here.", param=param, count=count, most=most
        )


def check_tokens(tokens: int, limits: Limits) -> None:
    """
    Raises:
        ContextError: if a prompt has more tokens than it may on this server.
    """
    if limits.tokens is not None and tokens > limits.tokens:
        raise ContextError(
            "The prompt has {tokens} tokens; this server takes prompts of at most {most}. Shorten it by {excess}.",
            tokens=tokens,
            most=limits.tokens,
            excess=tokens - limits.tokens,
        )
