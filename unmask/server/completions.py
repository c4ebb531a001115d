"""Text completions: prompts in, what follows them out; with a suffix, what stands between the two.

A translator answers each prompt with its translation.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, ClassVar

from fastapi import FastAPI, Response
from pydantic import Field, PlainValidator

from unmask.server.answers import TextCompletion, documented
from unmask.server.bounds import check_characters, check_most, check_tokens
from unmask.server.chat_choices import Pieces
from unmask.server.choices import together
from unmask.server.inputs import Rows, Texts, check_ids, listed
from unmask.server.refusals import FieldError
from unmask.server.replies import new
from unmask.server.schemas import Notes, Request
from unmask.server.sse import EVENTS, Live, with_errors
from unmask.server.text_choices import Echo, TextChoices
from unmask.server.translations import Job, job_of
from unmask.server.wishes import MOST, Asked, Wish, check_writes, copies, filled, vocab_of

if TYPE_CHECKING:
    from unmask.generation.answer import Order
    from unmask.model import Model
    from unmask.server.host import Host
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf
    from unmask.translator import Translator

USUAL = 16
"""Tokens of an answer, as OpenAI has it."""
PROMPTS = 2048

Prompts = Annotated[
    Texts | Rows,
    PlainValidator(
        listed("prompt", most=PROMPTS), json_schema_input_type=str | list[str] | list[int] | list[list[int]]
    ),
]


class CompletionRequest(Request, Wish):
    """The body of `POST /v1/completions`; where it does not say how tokens are chosen, the likeliest is taken."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "add_special_tokens": (True,),
        "truncate_prompt_tokens": (),
        "prompt_logprobs": (),
        "prompt_embeds": (),
    }
    prompt: Prompts = Field(description="One text or several, or token ids in their place.")
    suffix: str | None = Field(None, description="What comes after the answer: fill in the middle.")
    max_tokens: int | None = Field(None, ge=0, description=f"Null is {USUAL}; 0 is for the echo alone.")
    echo: bool | None = Field(None, description="Put the prompt before its answer.")
    logprobs: int | None = Field(
        None, ge=0, le=20, description="Tell how likely each token was, and so many likeliest ones in its place."
    )
    best_of: int | None = Field(None, ge=1, le=MOST, description="Write so many, and return the n likeliest.")

    @property
    def limit(self) -> int:
        return USUAL if self.max_tokens is None else self.max_tokens

    @property
    def candidates(self) -> int:
        return self.best_of or self.n or 1

    def check(self, limits: Limits) -> None:
        """
        Raises:
            FieldError: if it asks for too much, or for two things that cannot be had together.
        """
        self.check_limits(limits)
        check_most(
            [
                ("prompt", len(self.prompt), limits.prompts),
                ("best_of", self.candidates, limits.best_of),
                ("logprobs", self.logprobs or 0, limits.logprobs),
            ]
        )
        texts = [each for each in self.prompt if isinstance(each, str)]
        check_characters("prompt", [*texts, self.suffix or ""], limits.characters)
        if (self.n or 1) > self.candidates:
            raise FieldError(
                "{param}: {count} are to be written and {wanted} returned.",
                param="best_of",
                count=self.candidates,
                wanted=self.n,
            )
        if self.stream and self.candidates > (self.n or 1):
            raise FieldError(
                "{param}: which ones are best is known at the end, so they cannot be streamed. Set {other} to false.",
                param="best_of",
                other="stream",
            )
        if not self.limit and not self.echo:
            raise FieldError(
                "{param}: it is 0, so there is nothing to answer without {other}.", param="max_tokens", other="echo"
            )
        if self.suffix is not None and (self.echo or not texts):
            raise FieldError(
                "{param}: it is for prompts that are texts, and without {other}.", param="suffix", other="echo"
            )


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the route on `app`, under /v1 and without it, and under the name that it has for filling in the middle."""

    async def completions(request: CompletionRequest) -> Response:
        notes.take(request)
        answer = answered(shelf, request, limits)
        if request.stream:
            return Live(with_errors(answer), media_type=EVENTS)
        return Live(answer, media_type="application/json")

    for path in ("/v1/completions", "/completions", "/v1/fim/completions", "/fim/completions"):
        app.add_api_route(
            path,
            completions,
            methods=["POST"],
            responses=documented(TextCompletion, event=TextCompletion),
            include_in_schema=path == "/v1/completions",
        )


async def answered(shelf: Shelf, request: CompletionRequest, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The answer as one chunk of JSON, or event by event."""
    async with shelf.lend(request.model) as host:
        choices, made = await begun(host, request, limits)
        async with aclosing(made) as pieces:
            if not request.stream:
                whole = await choices.whole(pieces, best=request.n or 1)
                yield json.dumps(whole, ensure_ascii=False).encode()
                return
            async with aclosing(choices.events(pieces)) as events:
                async for each in events:
                    yield each


async def begun(host: Host, request: CompletionRequest, limits: Limits) -> tuple[TextChoices, Pieces]:
    """The choices of the answer, and what they are made of as it comes."""
    common = new("cmpl", host.served)
    if host.translator is not None:
        job = await host.off_loop(to_translate, host.translator, request, limits)
        count = len(job.texts) * job.answers
        return TextChoices(common, count, candidates=job.answers, with_usage=request.with_usage), job.on(host)
    orders, echoes = await host.off_loop(ready, host.model, request, limits)
    choices = TextChoices(
        common,
        len(orders),
        echoes if request.echo else None,
        candidates=request.candidates,
        with_usage=request.with_usage,
        spelling=None if request.logprobs is None else host.model.tokenizer,
    )
    return choices, together(host, orders)


def to_translate(translator: Translator, request: CompletionRequest, limits: Limits) -> Job:
    """Every prompt, each as long as its translation is: a limit where none is asked for would cut it.

    Raises:
        UnmaskError: if it cannot be done; says what of it.
    """
    request.check(limits)
    texts = [prompt for prompt in request.prompt if isinstance(prompt, str)]
    if not texts:
        raise FieldError(
            "{param}: {name} reads texts. Send these, not their ids.", param="prompt", name=translator.name
        )
    refused = {
        "echo": bool(request.echo),
        "suffix": request.suffix is not None,
        "logprobs": request.logprobs is not None,
    }
    return job_of(
        translator, request, texts, limits, limit=request.max_tokens, refused=refused, widest=request.candidates
    )


def ready(model: Model, request: CompletionRequest, limits: Limits) -> tuple[list[Order], list[Echo]]:
    """The rows of all prompts, those of one prompt together, and of each row what its prompt says.

    Raises:
        UnmaskError: if it cannot be done; says what of it.
    """
    check_writes(model)
    request.check(limits)
    asked = Asked(
        request.limit,
        # The best of several are found by how likely they are.
        chances=0 if request.logprobs is None and request.candidates > (request.n or 1) else request.logprobs,
        prompt_chances=echoed_chances(request),
        grammar=request.grammar(model, limits),
    )
    orders: list[Order] = []
    echoes: list[Echo] = []
    prompts: Sequence[str | list[int]] = request.prompt
    for number, prompt in enumerate(prompts):
        ids = spelled(model, prompt, request.suffix, f"prompt[{number}]")
        check_tokens(len(ids), limits)
        rows = copies(request.order(ids, model, asked), request.candidates)
        orders += rows
        text = prompt if isinstance(prompt, str) else model.tokenizer.decode(ids)
        echoes += [Echo(text, ids[0])] * len(rows)
    return orders, echoes


def echoed_chances(request: CompletionRequest) -> int | None:
    """A row of which nothing is to be written has to be judged at least."""
    if request.echo and request.logprobs is not None:
        return request.logprobs
    return None if request.limit else 0


def spelled(model: Model, prompt: str | list[int], suffix: str | None, param: str) -> tuple[int, ...]:
    """A prompt as ids; those that a client made are taken as they are.

    Raises:
        UnmaskError: if an id is none of the model's, or it cannot fill in the middle.
    """
    if not isinstance(prompt, str):
        check_ids(prompt, param, vocab=vocab_of(model))
        return tuple(prompt)
    return model.reader.spelled(prompt).ids if suffix is None else filled(model, prompt, suffix, "suffix")
