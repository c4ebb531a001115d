"""Text to token ids and back, in vLLM's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from fastapi import FastAPI
from pydantic import Field
from typing_extensions import TypedDict

from unmask.server.answers import documented
from unmask.server.bounds import check_characters, check_most
from unmask.server.inputs import check_ids
from unmask.server.messages import ChatMessage, Rendering, Tool
from unmask.server.refusals import FieldError
from unmask.server.schemas import Notes, OpenRequest

if TYPE_CHECKING:
    from unmask.model import Model
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf


class TokenizeRequest(OpenRequest, Rendering):
    """The body of `POST /tokenize`: a text, or a conversation."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {"chat_template": (), "mm_processor_kwargs": ()}
    prompt: str | None = Field(None, description="A text.")
    add_special_tokens: bool | None = Field(None, description="Put around the text what the model expects; null: do.")
    messages: list[ChatMessage] | None = Field(None, min_length=1, description="A conversation, instead of a text.")
    tools: list[Tool] | None = Field(None, max_length=128)
    return_token_strs: bool | None = Field(None, description="Tell the tokens as the vocabulary spells them.")


class DetokenizeRequest(OpenRequest):
    """The body of `POST /detokenize`."""

    tokens: list[int] = Field(max_length=1 << 20)


class Tokenized(TypedDict):
    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None


class Detokenized(TypedDict):
    prompt: str


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the routes on `app`, under /v1 and without it."""

    async def tokenize(request: TokenizeRequest) -> Tokenized:
        notes.take(request)
        async with shelf.lend(request.model or shelf.first.name) as host:
            return await host.off_loop(tokenized, host.model, request, limits)

    async def detokenize(request: DetokenizeRequest) -> Detokenized:
        notes.take(request)
        async with shelf.lend(request.model or shelf.first.name) as host:
            return await host.off_loop(detokenized, host.model, request)

    for prefix in ("/v1", ""):
        for path, call, answer in (("tokenize", tokenize, Tokenized), ("detokenize", detokenize, Detokenized)):
            app.add_api_route(
                f"{prefix}/{path}",
                call,
                methods=["POST"],
                responses=documented(answer),
                include_in_schema=not prefix,
            )


def tokenized(model: Model, request: TokenizeRequest, limits: Limits) -> Tokenized:
    """
    Raises:
        UnmaskError: if there is nothing to read, or it cannot be read.
    """
    if (request.prompt is None) == (request.messages is None):
        raise FieldError("{param}: give either this or {other}.", param="prompt", other="messages")
    ids = conversed(model, request, limits) if request.messages else plain(model, request, limits)
    return {
        "count": len(ids),
        "max_model_len": model.context if model.spec.writes else model.longest,
        "tokens": list(ids),
        "token_strs": [model.tokenizer.token(each) for each in ids] if request.return_token_strs else None,
    }


def plain(model: Model, request: TokenizeRequest, limits: Limits) -> tuple[int, ...]:
    text = request.prompt or ""
    check_characters("prompt", [text], limits.characters)
    return model.reader.spelled(text, special=request.add_special_tokens is not False).ids


def conversed(model: Model, request: TokenizeRequest, limits: Limits) -> tuple[int, ...]:
    messages = request.messages or []
    check_most([("messages", len(messages), limits.messages)])
    check_characters(
        "messages", (part.text or "" for each in messages for part in each.content or ()), limits.characters
    )
    return request.render(model, messages, [tool.model_dump(exclude_none=True) for tool in request.tools or ()])


def detokenized(model: Model, request: DetokenizeRequest) -> Detokenized:
    """
    Raises:
        FieldError: if an id is none of the vocabulary's.
    """
    check_ids(request.tokens, "tokens", vocab=model.tokenizer.size)
    return {"prompt": model.tokenizer.decode(request.tokens, skip_special=False)}
