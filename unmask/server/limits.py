"""How much there may be of what clients ask for, and how long it may take: all numbers in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields

from unmask.base.errors import RequestError


@dataclass(frozen=True)
class Limits:
    """More is refused, before anything is made of it.

    Args:
        body: bytes of a request.
        messages: of a conversation.
        characters: of all texts in a prompt, counted before they are made tokens.
        tokens: of a prompt; None leaves it to the model's context.
        choices: answers to one prompt (`n`).
        best_of: answers written for the best ones to be chosen.
        prompts: in one request for completions.
        stops: strings that end an answer; each of at most `stop_characters`.
        logprobs: likeliest tokens told for each token.
        biases: tokens with a `logit_bias`.
        schema: bytes of a JSON schema, expression or list of choices; a schema nests at most `schema_depth` deep.
        texts: to embed or to rank in one request.
        inside: requests that are being answered, whatever they ask for.
        queued: rows in line beside those that are being written.
        queued_tokens: of prompts that have no answer begun.
        queue_seconds: until an answer begins.
        seconds: until it is whole.
        idle_seconds: for which a client neither sends nor takes what it has to.
    """

    body: int = 4 << 20
    messages: int = 2048
    characters: int = 2 << 20
    tokens: int | None = None
    choices: int = 16
    best_of: int = 16
    prompts: int = 128
    stops: int = 4
    stop_characters: int = 256
    logprobs: int = 20
    biases: int = 1024
    schema: int = 64 << 10
    schema_depth: int = 32
    texts: int = 2048
    inside: int = 512
    queued: int = 64
    queued_tokens: int = 1 << 20
    queue_seconds: float = 300.0
    seconds: float = 3600.0
    idle_seconds: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise RequestError("{name} is {value}; it must be more than 0.", name=field.name, value=value)
