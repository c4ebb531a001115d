"""What a caller gets of an answer: all of it, or its pieces as they come."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from unmask.core.transformer import Transformer
from unmask.generation.answer import Answer, Finish, Piece
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
    for (piece,) in generate(core, [answer]):
        assert piece is not None, "one answer is written until it has ended"
        yield piece
