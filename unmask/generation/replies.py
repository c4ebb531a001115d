"""What a caller gets of an answer: all of it, or a part as it comes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from unmask.core.transformer import Transformer
from unmask.generation.answer import Answer, Finish
from unmask.generation.generate import generate


@dataclass(frozen=True)
class Reply:
    """A finished answer; `str(reply)` is its text."""

    text: str
    tokens: tuple[int, ...]
    finish: Finish
    prompt_tokens: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Piece:
    """A part of an answer as it comes. The last one, and only it, has `finish`."""

    text: str
    finish: Finish | None
    prompt_tokens: int
    tokens: int
    """Of the answer so far."""
    id: int | None = None
    """The token that was just chosen; None where the model ended its answer."""


def replies(core: Transformer, answers: list[Answer]) -> list[Reply]:
    """All answers, written together to their ends."""
    for _ in generate(core, answers) if answers else ():
        pass
    return [finished(answer) for answer in answers]


def finished(answer: Answer) -> Reply:
    assert answer.finish is not None, "generate() ends only when every answer has"
    return Reply(answer.text, tuple(answer.tokens), answer.finish, len(answer.prompt))


def pieces(core: Transformer, answer: Answer) -> Generator[Piece, None, None]:
    """One answer's pieces; empty ones are passed on so that a caller can stop between any two tokens."""
    count = 0
    for (text,) in generate(core, [answer]):
        fresh = answer.tokens[-1] if len(answer.tokens) > count else None
        count = len(answer.tokens)
        yield Piece(text, answer.finish, len(answer.prompt), count, fresh)
