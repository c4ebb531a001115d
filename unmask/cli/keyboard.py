"""What a person types at a terminal, a message at a time: edited where the terminal can, else plain lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.output import Output

PROMPT = "> "


def reader() -> Callable[[], str]:
    """How to ask for the next message here. The prompt stays off a redirected standard output.

    What it returns raises EOFError at Ctrl-D, and KeyboardInterrupt at Ctrl-C.
    """
    from prompt_toolkit.output import create_output
    from prompt_toolkit.utils import is_dumb_terminal

    if is_dumb_terminal() or not (sys.stdout.isatty() or sys.stderr.isatty()):
        return ask
    session = editor(create_output(always_prefer_tty=True))
    return lambda: session.prompt().strip()


def editor(output: Output) -> PromptSession[str]:
    """Asks with a line editor: a pasted text stays one message, and the arrow keys recall what was typed before.

    It counts characters, not bytes, whatever the locale. The history lives in memory only.
    """
    from prompt_toolkit import PromptSession

    return PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=" " * len(PROMPT),
        key_bindings=keys(),
        enable_suspend=True,
        output=output,
    )


def keys() -> KeyBindings:
    """Enter sends and Alt-Enter begins a new line, the other way round than the library's; Ctrl-C clears the text."""
    from prompt_toolkit.application import get_app
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import Condition, has_focus
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)  # not in a search of the history, which has an Enter and a Ctrl-C of its own
    typed = typing & Condition(lambda: bool(get_app().current_buffer.text))

    @bindings.add("enter", filter=typing)
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter", filter=typing)
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @bindings.add("c-c", filter=typed)
    @bindings.add("<sigint>", filter=typed)
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    return bindings


def ask() -> str:
    """Asks for a line on a terminal that only prints, which is left to do the editing itself."""
    if isinstance(sys.stdin, TextIOWrapper):
        # Such a terminal may delete one byte of several, and what is left is no character.
        sys.stdin.reconfigure(errors="replace")
    click.echo(PROMPT, nl=False, err=not sys.stdout.isatty())
    try:
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        click.echo(err=True)
        raise
