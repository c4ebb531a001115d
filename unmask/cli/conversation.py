"""A chat on a terminal: lines and commands in, answers out as they come, Ctrl-C to stop one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from unmask.base.errors import UnmaskError
from unmask.base.language import say
from unmask.base.registry import nearest
from unmask.cli.streams import notice, notice_cut

if TYPE_CHECKING:
    from unmask.generation.sampling import Sampling
    from unmask.model import Model
    from unmask.text.chat import Message

COMMANDS = ("/exit", "/clear", "/system")


class Conversation:
    """What was said so far, and the loop that goes on with it.

    Nothing is kept when it ends: the history that the arrow keys recall lives in memory only.
    """

    def __init__(
        self, model: Model, messages: list[Message], *, sampling: Sampling, limit: int | None, stop: Sequence[str]
    ) -> None:
        self.model = model
        self.messages = messages
        self.sampling = sampling
        self.limit = limit
        self.stop = stop

    def run(self) -> None:
        """Answer line after line until /exit or Ctrl-D.

        Raises:
            KeyboardInterrupt: at the second Ctrl-C in a row.
        """
        with suppress(ImportError):  # some builds of Python have no line editing
            import readline  # noqa: F401
        notice(
            say(
                "{name}: context {context:,} tokens. /clear forgets, /system TEXT instructs, /exit or Ctrl-D leaves, "
                "Ctrl-C stops an answer.",
                name=self.model.name,
                context=self.model.context,
            )
        )
        interrupted = False
        while True:
            try:
                line = ask()
                if line is None or line == "/exit":
                    return
                self.take(line)
                interrupted = False
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                notice("\n" + say("(stopped; Ctrl-C again leaves)"))

    def take(self, line: str) -> None:
        """Obey a command, or answer what was said."""
        if line.startswith("/"):
            self.obey(*line.partition(" ")[::2])
        elif line:
            self.answer(line)

    def obey(self, command: str, rest: str) -> None:
        """Carry out /clear or /system, or say which commands there are."""
        told = [message for message in self.messages if message["role"] == "system"]
        if command == "/clear":
            self.messages = told
            notice(say("(forgotten)"))
        elif command == "/system":
            self.messages = [{"role": "system", "content": rest}] if rest else []
            notice(say("(a new chat with these instructions)"))
        else:
            notice(
                say(
                    "There is no {command}. Did you mean {nearest}? All commands: {known}.",
                    command=command,
                    nearest=nearest(command, COMMANDS, count=1)[0],
                    known=", ".join(COMMANDS),
                )
            )

    def answer(self, text: str) -> None:
        """Stream one answer; what was said of it stays in the chat even when Ctrl-C stops it."""
        self.messages.append({"role": "user", "content": text})
        said: list[str] = []
        try:
            pieces = self.model.stream(self.messages, sampling=self.sampling, limit=self.limit, stop=self.stop)
            for piece in pieces:
                said.append(piece.text)
                click.echo(piece.text, nl=False)
            click.echo()
            notice_cut(piece)
        except UnmaskError as error:
            notice(say("unmask: error: {message}", message=error))
        finally:
            if said:
                self.messages.append({"role": "assistant", "content": "".join(said)})
            else:
                self.messages.pop()


def ask() -> str | None:
    """The next line typed; None at the end of input. The prompt stays off a redirected standard output."""
    try:
        if sys.stdout.isatty():
            return input("> ").strip()
        click.echo("> ", nl=False, err=True)
        return input().strip()
    except EOFError:
        notice("")
        return None
