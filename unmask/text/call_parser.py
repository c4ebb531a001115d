"""A model's answer, as it comes -> the text in it and the calls in it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from unmask.text.call_forms import Form
from unmask.text.stream import beginning

LONGEST_HEAD = 256
"""Characters between an opening and its JSON; more make it no call."""
TURNS = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
"""Where JSON gets deeper or less deep, or a text in it begins or ends."""


@dataclass(frozen=True)
class Said:
    """Text of the answer that belongs to no call; never empty."""

    text: str


@dataclass(frozen=True)
class CallBegins:
    """The first that is heard of a call; `index` counts the calls of one answer from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True)
class CallArguments:
    """More of a call's arguments, which are all together a JSON object."""

    index: int
    text: str


@dataclass(frozen=True)
class CallDone:
    """Nothing more of this call follows."""

    index: int


Event = Said | CallBegins | CallArguments | CallDone


class CallParser:
    """Text in, events out. Text that may be the beginning of a call is held back.

    Args:
        names: of the tools; what calls another one is text.
        marks: control tokens, which no text shows, that are marks of calls -> their spelling.
        certain: a grammar holds the answer to the form: arguments are told as they come, and a call that the answer's
            limit cuts stays without its CallDone. Otherwise a call is told when it is whole; a broken one is text.
    """

    def __init__(self, form: Form, names: Collection[str], marks: Mapping[int, str], *, certain: bool) -> None:
        self.form = form
        self.names = names
        self.marks = marks
        self.certain = certain
        self.state: Literal["text", "head", "object", "after"] = "text"
        self.held = ""
        self.start = 0  # in what is held: where the opening ends, then where the object begins
        self.scan = ObjectScan(0)
        self.name = ""  # of the call whose object is being read, where it stands before the object
        self.brace = False  # the arguments are told, the object around them is still open
        self.calls = 0
        self.silent = True  # nothing was told yet: a call without its opening may begin

    def push(self, text: str, token: int | None = None) -> list[Event]:
        """What a piece of the answer makes sure of; `token` is the id that it came with."""
        self.held += text if token is None else text + self.marks.get(token, "")
        return list(self.events())

    def flush(self) -> list[Event]:
        """What was held back, now that no more text comes: half a call is text again."""
        held, self.held = self.held, ""
        told = self.state == "after" or (self.state == "object" and self.certain)
        return [] if told or not held or (self.calls and not held.strip()) else [Said(held)]

    def events(self) -> Iterator[Event]:
        """Go from state to state for as long as what is held allows it."""
        steps = {"text": self.in_text, "head": self.in_head, "object": self.in_object, "after": self.in_after}
        before = None
        while before != (now := (self.state, self.held)):
            yield from steps[self.state]()
            before = now

    def in_text(self) -> Iterator[Event]:
        answer = self.held.lstrip()
        if self.form.bare and self.silent and self.may_begin(answer):
            if self.begins(answer):
                self.state, self.start = "head", 0
            return
        opening = self.form.opening if self.calls == 0 or self.form.between is not None else ""
        at = self.held.find(opening) if opening else -1
        # Blanks before a call belong to it.
        shown = len(self.held[: at if at >= 0 else len(self.held) - beginning(opening, self.held)].rstrip())
        if at >= 0:
            self.state, self.start = "head", at + len(opening) - shown
        yield from self.said(shown)

    def may_begin(self, answer: str) -> bool:
        """Whether an answer that begins so may be a call without its opening."""
        if self.begins(answer) or not answer:
            return True
        return self.form.named and any(f"{name}\n".startswith(answer) for name in self.names)

    def begins(self, answer: str) -> bool:
        return answer.startswith(tuple(f"{name}\n" for name in self.names) if self.form.named else "{")

    def in_head(self) -> Iterator[Event]:
        """Between the opening and the object; of a certain call, between the opening and the arguments."""
        body = self.held[self.start :]
        if self.certain:
            if found := self.form.lead.match(body):
                self.enter(body[found.end() :], start=0)
                self.brace = not self.form.named
                yield self.begun(found["name"])
            return
        at = body.find("{")
        found = re.fullmatch(self.form.head, body if at < 0 else body[:at])
        if found and at >= 0:
            self.name = found.groupdict().get("name", "")
            self.enter(self.held, start=self.start + at)
        elif at >= 0 or len(body) > LONGEST_HEAD or not (found or self.form.named):
            yield from self.broken(self.start)

    def enter(self, held: str, *, start: int) -> None:
        """Begin to read an object, which starts there in what is held."""
        self.state, self.held, self.start, self.scan = "object", held, start, ObjectScan(start)

    def in_object(self) -> Iterator[Event]:
        end = self.scan.end(self.held)
        if self.certain:
            yield from self.more(end)
        elif end is not None:
            yield from self.whole(end)

    def more(self, end: int | None) -> Iterator[Event]:
        """The arguments as far as they came."""
        fragment = self.held[: self.scan.read if end is None else end]
        self.held, self.scan.read = self.held[len(fragment) :], 0
        if fragment:
            yield CallArguments(self.calls - 1, fragment)
        if end is not None:
            self.state = "after"
            yield CallDone(self.calls - 1)

    def whole(self, end: int) -> Iterator[Event]:
        """The call whose object ends there."""
        try:
            name, arguments = self.call(self.held[self.start : end])
        except (ValueError, RecursionError):  # what JSON's reader raises where it is broken, or much too deep
            yield from self.broken(end)
            return
        self.state, self.held = "after", self.held[end:]
        yield self.begun(name)
        yield CallArguments(self.calls - 1, arguments)
        yield CallDone(self.calls - 1)

    def call(self, text: str) -> tuple[str, str]:
        """The name and the arguments that an object tells.

        Raises:
            ValueError, RecursionError: if it is no call of one of the tools.
        """
        value = json.loads(text, parse_constant=refused)
        name, arguments = self.name, value
        if not self.form.named:
            name, arguments = value.get("name"), value.get("arguments", value.get("parameters", {}))
        if isinstance(arguments, str):
            arguments = json.loads(arguments, parse_constant=refused)
        if not isinstance(name, str) or name not in self.names or not isinstance(arguments, dict):
            raise ValueError(name)
        return name, spelled(arguments)

    def in_after(self) -> Iterable[Event]:
        """Behind the object: its brace, the list's next object or end, the closing mark. None of it is text."""
        rest, closing = self.held.lstrip(), self.form.closing
        if self.brace and rest:
            self.held, self.brace = rest[1:], False
        elif not closing and not self.brace:
            self.state = "text"
        elif rest.startswith(closing) and closing:
            self.state, self.held = "text", rest[len(closing) :]
        elif rest.startswith("]"):
            self.held = rest[1:]
        elif re.match(r",\s*\{", rest):
            self.state, self.held, self.start = "head", rest[1:], 0
        elif not closing.startswith(rest) and not re.fullmatch(r",\s*", rest):
            self.state = "text"
        return ()

    def begun(self, name: str) -> CallBegins:
        self.silent = False
        self.calls += 1
        return CallBegins(self.calls - 1, self.form.fresh_id(), name)

    def broken(self, end: int) -> Iterator[Event]:
        """What is held up to there is no call."""
        self.state, self.silent = "text", False
        yield from self.said(end)

    def said(self, end: int) -> Iterator[Event]:
        text, self.held = self.held[:end], self.held[end:]
        if text:
            self.silent = False
            yield Said(text)


class ObjectScan:
    """Finds where a JSON object ends, in a text that grows, without reading any of it twice."""

    def __init__(self, start: int) -> None:
        self.read = start
        self.depth = 0
        self.quoted = False

    def end(self, text: str) -> int | None:
        """Behind its last bracket; None where that is still to come."""
        for turn in TURNS.finditer(text, self.read):
            if turn[0] == "\\":
                self.read = turn.start()  # what it escapes is still to come
                return None
            if turn[0] == '"':
                self.quoted = not self.quoted
            elif not self.quoted and len(turn[0]) == 1:
                self.depth += 1 if turn[0] in "{[" else -1
                if self.depth <= 0:
                    return turn.end()
        self.read = len(text)
        return None


def spelled(value: dict[str, Any]) -> str:
    """As JSON, in characters where they are whole ones."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if any("\ud800" <= each <= "\udfff" for each in text) else text


def refused(constant: str) -> NoReturn:
    """NaN and its like, which Python reads and JSON does not have."""
    raise ValueError(constant)
