"""The answers of one chat in OpenAI's words: what is new of them as events, or all of them as one object."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from unmask.server.answers import ChatChances, ChatChoice, ChatCompletion, Common, Delta, DeltaChoice, Finish, ToolCall
from unmask.server.host import Waiting
from unmask.server.logprobs import token_chance
from unmask.server.replies import Tally
from unmask.server.sse import DONE, KEEP_ALIVE, event
from unmask.text.spelling import Spelling
from unmask.text.tool_calls import CallArguments, CallBegins, CallParser, Said

if TYPE_CHECKING:
    from unmask.generation.answer import Piece
    from unmask.text.tokenizer import Tokenizer
    from unmask.text.tool_calls import Event

Pieces = AsyncGenerator[tuple[int, "Piece"] | Waiting, None]


class Choice:
    """One answer as it comes."""

    def __init__(self, index: int, parser: CallParser | None, spelling: Spelling) -> None:
        self.index = index
        self.parser = parser
        self.spelling = spelling
        self.begun = False
        self.called = False

    def push(self, piece: Piece) -> list[DeltaChoice]:
        """What is new of it: a role at first, then texts and calls, an empty one with the reason at the end."""
        found: list[DeltaChoice] = []
        if not self.begun:
            self.begun = True
            found.append(self.new({"role": "assistant", "content": ""}))
        told = [self.new(delta) for each in self.events(piece) if (delta := self.delta(each))]
        if piece.chance is not None and piece.id is not None:
            told = told or [self.new({"content": ""})]
            told[0]["logprobs"] = {"content": [token_chance(piece.chance, self.spelling)], "refusal": None}
        found += told
        if piece.finish:
            called = self.called and piece.finish == "stop"
            found.append(self.new({}, finish="tool_calls" if called else piece.finish))
        return found

    def events(self, piece: Piece) -> list[Event]:
        if self.parser is None:
            return [Said(piece.text)] if piece.text else []
        return self.parser.push(piece.text, piece.id) + (self.parser.flush() if piece.finish else [])

    def delta(self, each: Event) -> Delta | None:
        match each:
            case Said(text):
                return {"content": text}
            case CallBegins(index, name=name, id=call_id):
                self.called = True
                return {
                    "tool_calls": [
                        {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
                    ]
                }
            case CallArguments(index, text):
                return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
            case _:
                return None

    def new(self, delta: Delta, *, finish: Finish | None = None) -> DeltaChoice:
        return {"index": self.index, "delta": delta, "logprobs": None, "finish_reason": finish}


class ChatChoices:
    """All answers of one chat.

    Args:
        common: what says of which answer an event is.
        tokenizer: of what is written.
        parser: makes what finds the calls in one answer; None where there may be none.
        with_usage: end the events with how many tokens there were.
    """

    def __init__(
        self,
        common: Common,
        tokenizer: Tokenizer,
        count: int,
        parser: Callable[[], CallParser] | None,
        *,
        with_usage: bool,
    ) -> None:
        spelling = Spelling(tokenizer)
        self.common = common
        self.choices = [Choice(index, parser and parser(), spelling) for index in range(count)]
        self.tally = Tally(copies=count)
        self.with_usage = with_usage

    async def events(self, pieces: Pieces) -> AsyncGenerator[bytes, None]:
        """Server-sent events: those of the answers as they come, perhaps the usage, and the end."""
        async with aclosing(pieces):
            async for found in pieces:
                if isinstance(found, Waiting):
                    yield KEEP_ALIVE
                    continue
                self.tally.take(*found)
                for choice in self.choices[found[0]].push(found[1]):
                    yield self.event([choice])
        if self.with_usage:
            yield event({**self.common, "object": "chat.completion.chunk", "choices": [], "usage": self.tally.usage()})
        yield DONE

    def event(self, choices: list[DeltaChoice]) -> bytes:
        content = {**self.common, "object": "chat.completion.chunk", "choices": choices}
        return event({**content, "usage": None} if self.with_usage else content)

    async def whole(self, pieces: Pieces) -> ChatCompletion:
        """The same, put together."""
        found: list[list[DeltaChoice]] = [[] for _ in self.choices]
        async with aclosing(pieces):
            async for each in pieces:
                if not isinstance(each, Waiting):
                    self.tally.take(*each)
                    found[each[0]] += self.choices[each[0]].push(each[1])
        return {
            **self.common,
            "object": "chat.completion",
            "choices": [put_together(parts) for parts in found],
            "usage": self.tally.usage(),
        }


def put_together(parts: list[DeltaChoice]) -> ChatChoice:
    """A whole answer from all that was new of it, in order."""
    text = "".join(part["delta"].get("content", "") for part in parts)
    calls = gathered([call for part in parts for call in part["delta"].get("tool_calls", ())])
    logs = [log for part in parts if part["logprobs"] for log in part["logprobs"]["content"]]
    chances: ChatChances | None = {"content": logs, "refusal": None} if logs else None
    finish = parts[-1]["finish_reason"]
    assert finish, "the last part of an answer has the reason for its end"
    choice: ChatChoice = {
        "index": parts[0]["index"],
        "message": {"role": "assistant", "content": None if calls and not text else text, "refusal": None},
        "logprobs": chances,
        "finish_reason": finish,
    }
    if calls:
        choice["message"]["tool_calls"] = calls
    return choice


def gathered(parts: list[ToolCall]) -> list[ToolCall]:
    """Whole calls from the parts of them."""
    calls: dict[int, ToolCall] = {}
    for part in parts:
        index = part["index"]
        if index not in calls:
            calls[index] = {"id": part["id"], "type": "function", "function": dict(part["function"])}  # type: ignore[typeddict-item]
        else:
            calls[index]["function"]["arguments"] += part["function"]["arguments"]
    return list(calls.values())
