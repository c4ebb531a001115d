"""The answers to one request for completions in OpenAI's words: as events, or all of them as one object."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unmask.server.answers import Common, TextChances, TextChoice, TextCompletion
from unmask.server.chat_choices import Pieces
from unmask.server.host import Waiting
from unmask.server.logprobs import TextLog
from unmask.server.replies import Tally
from unmask.server.sse import DONE, KEEP_ALIVE, event

if TYPE_CHECKING:
    from unmask.generation.answer import Piece
    from unmask.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Echo:
    """A prompt to be put before its answer: its text, and its first token, which nothing foresaw."""

    text: str
    first: int


class Row:
    """One answer as it comes.

    Args:
        echo: what to begin with, if anything.
        log: tells of each token, where that was asked for.
    """

    def __init__(self, index: int, echo: Echo | None, log: TextLog | None) -> None:
        self.index = index
        self.echo = echo
        self.log = log
        self.logs: list[float] = []
        """How likely its tokens were."""

    def push(self, piece: Piece) -> TextChoice:
        """What is new of it."""
        echo, self.echo = self.echo, None
        told: TextChances | None = None
        if self.log is not None:
            written = () if piece.chance is None else (piece.chance,)
            told = self.log.part((*piece.prompt_chances, *written), first=echo.first if echo else None)
        if piece.chance is not None:
            self.logs.append(piece.chance.logprob)
        text = (echo.text if echo else "") + piece.text
        return {"index": self.index, "text": text, "logprobs": told, "finish_reason": piece.finish}

    @property
    def likelihood(self) -> float:
        """The mean logarithm of its tokens' probabilities; an answer of none is certain to be one."""
        return sum(self.logs) / len(self.logs) if self.logs else 0.0


class TextChoices:
    """All answers to one request.

    Args:
        common: what says of which answer an event is.
        count: of all rows.
        echoes: of each row, where prompts are to be put before their answers.
        candidates: rows of one prompt.
        spelling: tell how likely each token was, as this tokenizer spells it.
    """

    def __init__(
        self,
        common: Common,
        count: int,
        echoes: Sequence[Echo] | None = None,
        *,
        candidates: int,
        with_usage: bool,
        spelling: Tokenizer | None = None,
    ) -> None:
        self.common = common
        self.candidates = candidates
        self.tally = Tally(copies=candidates)
        self.with_usage = with_usage
        self.rows = [
            Row(index, echoes[index] if echoes else None, TextLog(spelling) if spelling else None)
            for index in range(count)
        ]

    async def events(self, pieces: Pieces) -> AsyncGenerator[bytes, None]:
        """Server-sent events: what is new of each answer, perhaps the usage, and the end."""
        async with aclosing(pieces):
            async for found in pieces:
                if isinstance(found, Waiting):
                    yield KEEP_ALIVE
                    continue
                self.tally.take(*found)
                choice = self.rows[found[0]].push(found[1])
                if choice["text"] or choice["finish_reason"] or (choice["logprobs"] and choice["logprobs"]["tokens"]):
                    content = {**self.common, "object": "text_completion", "choices": [choice]}
                    yield event({**content, "usage": None} if self.with_usage else content)
        if self.with_usage:
            yield event({**self.common, "object": "text_completion", "choices": [], "usage": self.tally.usage()})
        yield DONE

    async def whole(self, pieces: Pieces, *, best: int) -> TextCompletion:
        """All answers put together; of each prompt's candidates the `best` likeliest ones."""
        found: list[list[TextChoice]] = [[] for _ in self.rows]
        async with aclosing(pieces):
            async for each in pieces:
                if not isinstance(each, Waiting):
                    self.tally.take(*each)
                    found[each[0]].append(self.rows[each[0]].push(each[1]))
        chosen = [
            row.index
            for at in range(0, len(self.rows), self.candidates)
            for row in likeliest(self.rows[at : at + self.candidates], best)
        ]
        return {
            **self.common,
            "object": "text_completion",
            "choices": [put_together(index, found[row]) for index, row in enumerate(chosen)],
            "usage": self.tally.usage(),
        }


def likeliest(rows: Sequence[Row], count: int) -> list[Row]:
    """The best first; all of them, as they are, where there is no choice."""
    return list(rows) if len(rows) == count else sorted(rows, key=lambda row: -row.likelihood)[:count]


def put_together(index: int, parts: list[TextChoice]) -> TextChoice:
    """A whole answer from all that was new of it, in order."""
    logs = [part["logprobs"] for part in parts if part["logprobs"] is not None]
    told: TextChances | None = None
    if logs:
        told = {
            "tokens": [each for log in logs for each in log["tokens"]],
            "token_logprobs": [each for log in logs for each in log["token_logprobs"]],
            "top_logprobs": [each for log in logs for each in log["top_logprobs"]],
            "text_offset": [each for log in logs for each in log["text_offset"]],
        }
    return {
        "index": index,
        "text": "".join(part["text"] for part in parts),
        "logprobs": told,
        "finish_reason": parts[-1]["finish_reason"],
    }
