"""The answers of the API, field by field: what the routes build and what the OpenAPI file shows."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


class Cached(TypedDict):
    cached_tokens: int


class Usage(TypedDict):
    """In tokens; a prompt counts once, however many answers it gets."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Cached


class LikelyToken(TypedDict):
    token: str
    logprob: float
    bytes: list[int]


class TokenChance(LikelyToken):
    top_logprobs: list[LikelyToken]


class ChatChances(TypedDict):
    content: list[TokenChance]
    refusal: None


class FunctionCalled(TypedDict):
    """`arguments` is JSON as text; in a stream, more of it."""

    name: NotRequired[str]
    arguments: str


class ToolCall(TypedDict):
    """In a stream, the first event of a call has its id and name, and all have its index."""

    index: NotRequired[int]
    id: NotRequired[str]
    type: NotRequired[Literal["function"]]
    function: FunctionCalled


class ChatAnswer(TypedDict):
    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: NotRequired[list[ToolCall]]


class Delta(TypedDict, total=False):
    """What is new of a message."""

    role: Literal["assistant"]
    content: str
    tool_calls: list[ToolCall]


Finish = Literal["stop", "length", "tool_calls"]


class ChatChoice(TypedDict):
    index: int
    message: ChatAnswer
    logprobs: ChatChances | None
    finish_reason: Finish


class DeltaChoice(TypedDict):
    index: int
    delta: Delta
    logprobs: ChatChances | None
    finish_reason: Finish | None


class Common(TypedDict):
    """What says of which answer of which model an object is."""

    id: str
    created: int
    model: str
    system_fingerprint: str


class ChatCompletion(Common):
    object: Literal["chat.completion"]
    choices: list[ChatChoice]
    usage: Usage


class ChatChunk(Common):
    object: Literal["chat.completion.chunk"]
    choices: list[DeltaChoice]
    usage: NotRequired[Usage | None]


class TextChances(TypedDict):
    """The first token of an echoed prompt has none."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(TypedDict):
    index: int
    text: str
    logprobs: TextChances | None
    finish_reason: Literal["stop", "length"] | None


class TextCompletion(Common):
    """Whole, or one event of a stream."""

    object: Literal["text_completion"]
    choices: list[TextChoice]
    usage: NotRequired[Usage | None]


class ModelCard(TypedDict):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    max_model_len: int


class ModelList(TypedDict):
    object: Literal["list"]
    data: list[ModelCard]


class Problem(TypedDict):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(TypedDict):
    """What is wrong with the request, or with the server."""

    error: Problem


def documented(answer: Any, *, event: Any = None) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the OpenAPI file.

    Args:
        event: what each event of a streamed answer holds, where it can be streamed.
    """
    good: dict[str, Any] = {"model": answer, "description": "The answer"}
    if event:
        about = f"Server-sent events, each a {event.__name__}; the last is [DONE]."
        good["content"] = {"text/event-stream": {"schema": {"type": "string", "description": about}}}
    return {
        200: good,
        "4XX": {"model": ErrorAnswer, "description": "What is wrong with the request"},
        "5XX": {"model": ErrorAnswer, "description": "What is wrong with the server"},
    }
