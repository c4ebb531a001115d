"""A conversation as it is kept: a tree of messages, of which one path is shown.

To ask again or to edit a message begins another branch; what was there before stays in the tree.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from unmask.web.knobs import Knobs

Rating = Literal["up", "down"]
TITLE = 60
"""Most characters of a title that is made from a first message."""


@dataclass(frozen=True)
class Answer:
    """What is known of an answer beside its text.

    Args:
        model: who wrote it.
        tokens: the ids it chose; empty where they are not known.
        prompt_tokens: how many ids it had read before the first of them.
        speed: tokens/s from the first token on; 0 where there were too few to tell.
        finish: "stop" the model ended it, "length" the limit did, "stopped" the visitor did, or left.
        rating: the visitor's.
    """

    model: str
    tokens: tuple[int, ...] = ()
    prompt_tokens: int = 0
    speed: float = 0.0
    finish: Literal["stop", "length", "stopped"] = "stopped"
    rating: Rating | None = None


@dataclass(frozen=True)
class Message:
    """One turn; `answer` is there where the model wrote it. The parent is the message it follows, None at the top."""

    id: str
    parent: str | None
    role: Literal["user", "assistant"]
    content: str
    time: str
    answer: Answer | None = None


@dataclass(frozen=True)
class Conversation:
    """What a file holds.

    Args:
        created, updated: ISO 8601, UTC.
        system: the system prompt; empty for none.
        messages: of all branches, each after its parent.
        leaf: the last message of the path that is shown; None if there is none.
    Raises:
        ValueError: if messages do not make a tree.
    """

    id: str
    title: str
    created: str
    updated: str
    system: str
    settings: Knobs
    messages: tuple[Message, ...] = ()
    leaf: str | None = None

    def __post_init__(self) -> None:
        known: set[str | None] = {None}
        for message in self.messages:
            if message.parent not in known or message.id in known:
                raise ValueError(f"message {message.id} is there twice, or before the one that it follows")
            known.add(message.id)
        if self.leaf not in known:
            raise ValueError(f"there is no message {self.leaf}")

    def path(self, leaf: str | None = None) -> tuple[Message, ...]:
        """The messages from the first one to `leaf`, or to the last one shown."""
        by_id = {message.id: message for message in self.messages}
        found, at = [], leaf or self.leaf
        while at is not None:
            found.append(by_id[at])
            at = found[-1].parent
        return tuple(reversed(found))

    def read(self, leaf: str | None) -> list[dict[str, str]]:
        """The path to `leaf` as a model reads it, after the system prompt if there is one."""
        said = [{"role": message.role, "content": message.content} for message in (self.path(leaf) if leaf else ())]
        return [{"role": "system", "content": self.system}, *said] if self.system else said

    def branches(self, message: Message) -> tuple[Message, ...]:
        """All that follow what `message` follows, itself among them, the oldest first."""
        return tuple(each for each in self.messages if each.parent == message.parent and each.role == message.role)

    def plus(self, message: Message) -> Conversation:
        """With this message, new or in place of its former self, as the last one shown."""
        title = self.title or titled(message.content)
        return replace(self.holding(message), leaf=message.id, title=title, updated=now())

    def holding(self, message: Message) -> Conversation:
        """With this message, new or in place of its former self, wherever it stands."""
        return replace(
            self, messages=tuple(({each.id: each for each in self.messages} | {message.id: message}).values())
        )

    def showing(self, message: Message) -> Conversation:
        """With this message on the path, and after it whatever was said last."""
        leaf = message.id
        while follows := [each.id for each in self.messages if each.parent == leaf]:
            leaf = follows[-1]
        return replace(self, leaf=leaf)

    def without(self, gone: Collection[str], *, leaf: str | None) -> Conversation:
        """As if the messages of these ids, and no other that follows them, had never been; `leaf` is shown again."""
        return replace(self, messages=tuple(each for each in self.messages if each.id not in gone), leaf=leaf)


def begun(system: str, settings: Knobs) -> Conversation:
    """A conversation in which nothing was said yet; ids in their order are conversations in theirs."""
    moment = datetime.now(UTC)
    return Conversation(f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}", "", now(), now(), system, settings)


def asked(content: str, *, after: str | None) -> Message:
    return Message(secrets.token_hex(6), after, "user", content, now())


def answered(model: str, *, after: str) -> Message:
    """The beginning of an answer."""
    return Message(secrets.token_hex(6), after, "assistant", "", now(), Answer(model))


def titled(content: str) -> str:
    """A message on one line, cut."""
    line = " ".join(content.split())
    return line if len(line) <= TITLE else f"{line[: TITLE - 1]}…"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
