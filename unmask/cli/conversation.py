"""A chat on a terminal: messages and commands in, answers out as they come, Ctrl-C to stop one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmask.base.errors import StorageError, UnmaskError
from unmask.base.files import atomic, storage_errors
from unmask.base.language import say
from unmask.base.registry import nearest
from unmask.cli.keyboard import reader
from unmask.cli.streams import notice, notice_cut

if TYPE_CHECKING:
    from unmask.generation.sampling import Sampling
    from unmask.model import Model
    from unmask.text.chat import Message

WARM = 0.7
"""The temperature of another answer where the chat's own is 0, at which it would be the same one."""


class Conversation:
    """What was said so far, and the loop that goes on with it. Nothing is kept when it ends, but what /save wrote."""

    def __init__(
        self, model: Model, messages: list[Message], *, sampling: Sampling, limit: int | None, stop: Sequence[str]
    ) -> None:
        self.model = model
        self.messages = messages
        self.sampling = sampling
        self.limit = limit
        self.stop = stop
        self.saved: Path | None = None

    def run(self) -> None:
        """Answer message after message until /exit or Ctrl-D.

        Raises:
            KeyboardInterrupt: at the second Ctrl-C in a row.
        """
        ask = reader()
        notice(
            say(
                "{name}: context {context:,} tokens. /help lists what else can be done, Ctrl-C stops an answer, "
                "Ctrl-D leaves.",
                name=self.model.name,
                context=self.model.context,
            )
        )
        interrupted = False
        while True:
            try:
                text = ask()
                interrupted = False
                if text == "/exit":
                    return
                self.take(text)
            except EOFError:
                return
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                notice(say("(stopped; Ctrl-C again leaves)"))

    def take(self, text: str) -> None:
        """Obey a command, or answer what was said. A text that only begins like one, such as a path, is no command."""
        command = re.fullmatch(r"(/[a-z]+)(?:\s+(.*))?", text, re.DOTALL)
        try:
            if command:
                self.obey(command[1], command[2] or "")
            elif text:
                self.write([*self.messages, {"role": "user", "content": text}], self.sampling)
        except UnmaskError as error:
            notice(say("unmask: error: {message}", message=error))

    def obey(self, command: str, rest: str) -> None:
        """Carry out a command, or say which there are."""
        match command:
            case "/retry":
                self.retry()
            case "/continue":
                self.resume()
            case "/clear":
                self.messages = [message for message in self.messages if message["role"] == "system"]
                notice(say("(forgotten)"))
            case "/system":
                self.messages = [{"role": "system", "content": rest}] if rest else []
                notice(say("(a new chat with these instructions)"))
            case "/save":
                self.save(rest)
            case "/help":
                notice("\n".join(f"{name:13} {purpose}" for name, purpose in commands().items()))
            case _:
                known = [name.split()[0] for name in commands()]
                notice(
                    say(
                        "There is no {command}. Did you mean {nearest}? All commands: {known}.",
                        command=command,
                        nearest=nearest(command, known, count=1)[0],
                        known=", ".join(known),
                    )
                )

    def write(self, messages: list[Message], sampling: Sampling, *, begun: str | None = None) -> None:
        """Stream one answer to these messages; what was said of it stays in the chat even when Ctrl-C stops it.

        Args:
            begun: an answer to them that was cut, to go on with.
        """
        beginning: list[Message] = [] if begun is None else [{"role": "assistant", "content": begun}]
        said: list[str] = []
        try:
            pieces = self.model.stream(
                [*messages, *beginning],
                sampling=sampling,
                limit=self.limit,
                stop=self.stop,
                resume=begun is not None,
            )
            for piece in pieces:
                said.append(piece.text)
                click.echo(piece.text, nl=False)
            click.echo()
            notice_cut(piece)
        except KeyboardInterrupt:
            click.echo()
            raise
        finally:
            if said:
                self.messages = [*messages, {"role": "assistant", "content": "".join([begun or "", *said])}]

    @property
    def answered(self) -> bool:
        """Is the last thing said an answer? If not, say so."""
        if self.messages and self.messages[-1]["role"] == "assistant":
            return True
        notice(say("(there is no answer yet)"))
        return False

    def retry(self) -> None:
        """Answer the last message anew; the old answer stays until the new one begins."""
        if not self.answered:
            return
        if self.sampling.temperature == 0:
            notice(say("(at temperature {warm}: at 0 the same answer would come again)", warm=WARM))
        sampling = replace(self.sampling, temperature=self.sampling.temperature or WARM, seed=None)
        self.write(self.messages[:-1], sampling)

    def resume(self) -> None:
        """Go on with an answer that was cut or stopped."""
        if self.answered:
            self.write(self.messages[:-1], self.sampling, begun=self.messages[-1]["content"])

    def save(self, name: str) -> None:
        """Write the conversation to a JSON file.

        Raises:
            StorageError: if it cannot be written, or there is a file that this conversation did not write.
        """
        if not name:
            notice(say("Say to which file: /save FILE"))
            return
        path = (Path.home() / name[2:] if name.startswith("~/") else Path(name)).absolute()
        with storage_errors(path):
            if path != self.saved and path.exists():
                raise StorageError("There is something at {path} already. Name another file.", path=path)
        document = {"model": self.model.name, "messages": self.messages}
        with atomic(path) as stream:
            stream.write(json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n")
        self.saved = path
        notice(say("(saved to {path})", path=path))


def commands() -> dict[str, str]:
    """What can be typed instead of a message, and what it does."""
    return {
        "/retry": say("answers your last message anew"),
        "/continue": say("goes on with an answer that was cut or stopped"),
        "/clear": say("forgets what was said, but not the instructions"),
        "/system TEXT": say("begins a new chat with these instructions, or without any"),
        "/save FILE": say("writes the conversation to a JSON file"),
        "/help": say("shows this list; Alt-Enter begins a new line, the arrow keys recall what you typed"),
        "/exit": say("leaves, as Ctrl-D does"),
    }
