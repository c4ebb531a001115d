"""Chat completions: a conversation in, an answer or several out, whole or while they are written.

A translator answers with the translation of what the user said last.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from fastapi import FastAPI, Response
from pydantic import Field

from unmask.generation.grammar import Grammar
from unmask.server.answers import ChatChunk, ChatCompletion, documented
from unmask.server.bounds import check_characters, check_most, check_tokens
from unmask.server.chat_choices import ChatChoices, Pieces
from unmask.server.choices import together
from unmask.server.messages import ChatMessage, NamedTool, Rendering, Tool, ToolChoice
from unmask.server.refusals import FieldError
from unmask.server.replies import new
from unmask.server.schemas import Notes, Request
from unmask.server.sse import EVENTS, Live, with_errors
from unmask.server.translations import Job, job_of
from unmask.server.wishes import Asked, Wish, check_grammar, check_writes, copies
from unmask.text.tool_calls import Calling, CallParser, calling_of

if TYPE_CHECKING:
    from unmask.generation.answer import Order
    from unmask.model import Model
    from unmask.server.host import Host
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf
    from unmask.translator import Translator


class ChatRequest(Request, Wish, Rendering):
    """The body of `POST /v1/chat/completions`; a field left out or null takes what the model's makers advise."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "functions": ([],),
        "function_call": ("none", "auto"),
        "modalities": (["text"],),
        "audio": (),
    }
    messages: list[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1, description="Null fills the context.")
    max_tokens: int | None = Field(None, ge=1, description="The older name of max_completion_tokens, which wins.")
    logprobs: bool | None = Field(None, description="Tell how likely each token of the answer was.")
    top_logprobs: int | None = Field(None, ge=0, le=20, description="And so many likeliest ones in its place.")
    tools: list[Tool] | None = Field(None, max_length=128, description="Functions that the model may call.")
    tool_choice: ToolChoice | None = Field(None, description="Null is 'auto'.")
    parallel_tool_calls: bool | None = Field(None, description="Whether there may be several calls; null: there may.")

    @property
    def limit(self) -> int | None:
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def chances(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    @property
    def offered(self) -> list[dict[str, Any]]:
        """The functions that the model is told of."""
        tools = () if self.tool_choice == "none" else self.tools or ()
        return [tool.model_dump(exclude_none=True) for tool in tools]

    @property
    def demanded(self) -> list[dict[str, Any]]:
        """Those that it may call: one where the request names it.

        Raises:
            FieldError: if there is none to choose.
        """
        if self.tool_choice in ("none", "auto", None):
            return self.offered
        if not self.offered:
            raise FieldError("{param}: a call is required, and there are no tools to call.", param="tool_choice")
        if not isinstance(self.tool_choice, NamedTool):
            return self.offered
        name = self.tool_choice.function.name
        named = [tool for tool in self.offered if tool["function"]["name"] == name]
        if not named:
            raise FieldError("{param}: there is no tool {name!r:.70}.", param="tool_choice.function.name", name=name)
        return named


@dataclass(frozen=True)
class Talk:
    """A chat made ready to be written: its rows, and how the calls in them are found, if there may be any."""

    orders: list[Order]
    parser: partial[CallParser] | None


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the route on `app`, under /v1 and without it."""

    async def chat_completions(request: ChatRequest) -> Response:
        notes.take(request)
        answer = answered(shelf, request, limits)
        if request.stream:
            return Live(with_errors(answer), media_type=EVENTS)
        return Live(answer, media_type="application/json")

    for prefix in ("/v1", ""):
        app.add_api_route(
            f"{prefix}/chat/completions",
            chat_completions,
            methods=["POST"],
            responses=documented(ChatCompletion, event=ChatChunk),
            include_in_schema=prefix == "/v1",
        )


async def answered(shelf: Shelf, request: ChatRequest, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The answer as one chunk of JSON, or event by event."""
    async with shelf.lend(request.model) as host:
        choices, made = await begun(host, request, limits)
        async with aclosing(made) as pieces:
            if not request.stream:
                yield json.dumps(await choices.whole(pieces), ensure_ascii=False).encode()
                return
            async with aclosing(choices.events(pieces)) as events:
                async for each in events:
                    yield each


async def begun(host: Host, request: ChatRequest, limits: Limits) -> tuple[ChatChoices, Pieces]:
    """The choices of the answer, and what they are made of as it comes."""
    common = new("chatcmpl", host.served)
    if host.translator is not None:
        job = await host.off_loop(to_translate, host.translator, request, limits)
        told = ChatChoices(common, host.translator.target, job.answers, None, with_usage=request.with_usage)
        return told, job.on(host)
    talk = await host.off_loop(ready, host.model, request, limits)
    choices = ChatChoices(common, host.model.tokenizer, len(talk.orders), talk.parser, with_usage=request.with_usage)
    return choices, together(host, talk.orders)


def to_translate(translator: Translator, request: ChatRequest, limits: Limits) -> Job:
    """What the user said last. The rest of the conversation, and what a system message asks for, it cannot heed.

    Raises:
        UnmaskError: if it cannot be done; says what of it.
    """
    check_chat(request, limits)
    for number in range(len(request.messages) - 1, -1, -1):
        if request.messages[number].role == "user":
            text = request.messages[number].text(f"messages[{number}].content")
            break
    else:
        raise FieldError("{param}: none of them is the user's, so there is nothing to translate.", param="messages")
    refused = {
        "tools": bool(request.demanded),
        "logprobs": bool(request.logprobs),
        "continue_final_message": bool(request.continue_final_message),
    }
    return job_of(translator, request, [text], limits, limit=request.limit, refused=refused)


def ready(model: Model, request: ChatRequest, limits: Limits) -> Talk:
    """Check what is asked, and put it into the model's own words.

    Raises:
        UnmaskError: if it cannot be done; says what of it.
    """
    check_writes(model)
    check_chat(request, limits)
    prompt = request.render(model, request.messages, request.offered)
    check_tokens(len(prompt), limits)
    assert model.reader.template, "what was rendered has one"
    calling = calling_of(model.reader.template, model.tokenizer)
    grammar = request.grammar(model, limits) or call_grammar(calling, request, model)
    asked = Asked(request.limit, model.sampling, chances=request.chances, grammar=grammar)
    order = request.order(prompt, model, asked)
    parser = partial(calling.parser, request.demanded, certain=grammar is not None) if request.offered else None
    return Talk(copies(order, request.n or 1), parser)


def call_grammar(calling: Calling, request: ChatRequest, model: Model) -> Grammar | None:
    """What the answer must look like for its calls to be calls."""
    tools = request.demanded
    if not tools:
        return None
    lark = calling.grammar(
        tools,
        required=request.tool_choice not in (None, "auto"),
        parallel=request.parallel_tool_calls is not False,
    )
    return None if lark is None else check_grammar("tools", Grammar("lark", lark), model)


def check_chat(request: ChatRequest, limits: Limits) -> None:
    """
    Raises:
        FieldError: if it asks for too much, or for two things that cannot be had together.
    """
    request.check_limits(limits)
    check_most(
        [
            ("messages", len(request.messages), limits.messages),
            ("top_logprobs", request.top_logprobs or 0, limits.logprobs),
        ]
    )
    check_characters("tools", [json.dumps(request.offered)], limits.schema)
    texts = (part.text or "" for message in request.messages for part in message.content or ())
    check_characters("messages", texts, limits.characters)
    if request.top_logprobs and not request.logprobs:
        raise FieldError("{param}: it is told with {other}. Set that to true.", param="top_logprobs", other="logprobs")
    form = request.form(limits)
    if form and request.demanded:
        raise FieldError(
            "{param}: an answer of a certain form can have no calls. Leave out {other}, or set tool_choice to 'none'.",
            param=form[0],
            other="tools",
        )
