"""Standard input as a prompt, standard output as the result, standard error for everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say

if TYPE_CHECKING:
    from unmask.generation.answer import Piece


def on_terminal() -> bool:
    """Does a person type the input?"""
    return sys.stdin.isatty()


def whole_prompt(text: str | None) -> str:
    """The prompt that was given, a blank line, and what was piped in; either may be absent.

    Raises:
        click.UsageError: if both are.
        RequestError: if what was piped in is not text.
    """
    parts = [part for part in (text, None if on_terminal() else piped()) if part]
    if not parts:
        raise click.UsageError(say("There is no text to work on: give some, or pipe it in."))
    return "\n\n".join(parts)


def piped() -> str:
    """All of standard input, without its last line's end.

    Raises:
        RequestError: if it is not UTF-8.
    """
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise RequestError(
            "Standard input is not UTF-8 text: byte {offset} is 0x{byte:02x}. Convert it first, say with iconv.",
            offset=error.start,
            byte=error.object[error.start],
        ) from error


def show_json(document: object) -> None:
    """Write one JSON document to standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def notice(text: str) -> None:
    """Tell the user something that is not the result."""
    click.echo(text, err=True)


def show_answer(name: str, pieces: Iterator[Piece], *, as_json: bool) -> None:
    """Write an answer to standard output: as it comes, or as one JSON document when it is complete."""
    texts = []
    for piece in pieces:
        texts.append(piece.text)
        if not as_json:
            click.echo(piece.text, nl=False)
    if as_json:
        show_json(
            {
                "model": name,
                "text": "".join(texts),
                "finish": piece.finish,
                "prompt_tokens": piece.prompt_tokens,
                "tokens": piece.tokens,
            }
        )
    else:
        click.echo()
    notice_cut(piece)


def notice_cut(last: Piece) -> None:
    """Say so if an answer ended before the model had finished."""
    if last.finish == "length":
        notice(say("(cut after {tokens} tokens, at the limit or the end of the context)", tokens=last.tokens))
