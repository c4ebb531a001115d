"""llama.cpp's route for editors: the text before and after the cursor in, what belongs there out."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response
from pydantic import Field
from typing_extensions import TypedDict

from unmask.server.answers import documented
from unmask.server.bounds import check_characters, check_tokens
from unmask.server.host import Waiting
from unmask.server.schemas import Fields, Notes, OpenRequest
from unmask.server.sse import EVENTS, KEEP_ALIVE, Live, event, with_errors
from unmask.server.wishes import Asked, Wish, check_writes, filled

if TYPE_CHECKING:
    from unmask.generation.answer import Order, Piece
    from unmask.model import Model
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf


class Snippet(Fields):
    """Text of another file, for the model to know of."""

    text: str
    filename: str | None = None


class InfillRequest(OpenRequest, Wish):
    """The body of `POST /infill`; where it does not say how tokens are chosen, the likeliest is taken."""

    n: int | None = Field(None, ge=1, le=1, description="Only one.")
    input_prefix: str = Field(description="The text before the gap.")
    input_suffix: str = Field(description="The text after the gap.")
    input_extra: list[Snippet] | None = Field(None, max_length=256, description="Texts of other files.")
    prompt: str | None = Field(None, description="How the text in the gap begins.")
    n_predict: int | None = Field(None, ge=-1, description="Most tokens; -1 or null fills the context.")

    @property
    def before(self) -> str:
        """What the model reads before the gap; other files come first, as llama.cpp puts them."""
        extra = "".join(f"--- snippet ---\n\n{snippet.text}\n" for snippet in self.input_extra or ())
        return extra + self.input_prefix


class Infilled(TypedDict):
    """Whole, or one event of a stream; what is counted is there at the end."""

    content: str
    stop: bool


class InfilledEnd(Infilled):
    model: str
    tokens_predicted: int
    tokens_evaluated: int
    tokens_cached: int
    stop_type: str
    truncated: bool


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the route on `app`."""

    async def infill(request: InfillRequest) -> Response:
        notes.take(request)
        answer = answered(shelf, request, limits)
        if request.stream:
            return Live(with_errors(answer), media_type=EVENTS)
        return Live(answer, media_type="application/json")

    app.add_api_route("/infill", infill, methods=["POST"], responses=documented(InfilledEnd, event=Infilled))


async def answered(shelf: Shelf, request: InfillRequest, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The answer as one chunk of JSON, or event by event."""
    async with shelf.lend(request.model or shelf.first.name) as host:
        order = await host.off_loop(ready, host.model, request, limits)
        texts: list[str] = []
        async with aclosing(host.written(order)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Waiting):
                    if request.stream:
                        yield KEEP_ALIVE
                    continue
                if not request.stream:
                    texts.append(piece.text)
                elif piece.text:
                    yield event({"content": piece.text, "stop": False})
                last = piece
        end = ended(host.model, "".join(texts), last)
        yield event(end) if request.stream else json.dumps(end, ensure_ascii=False).encode()


def ready(model: Model, request: InfillRequest, limits: Limits) -> Order:
    """
    Raises:
        UnmaskError: if it cannot be done; says what of it.
    """
    check_writes(model)
    request.check_limits(limits)
    check_characters("input_prefix", [request.before, request.input_suffix, request.prompt or ""], limits.characters)
    ids = filled(model, request.before, request.input_suffix, "input_suffix")
    if request.prompt:
        ids += model.reader.spelled(request.prompt, special=False).ids
    check_tokens(len(ids), limits)
    limit = None if request.n_predict == -1 else request.n_predict
    return request.order(ids, model, Asked(limit, grammar=request.grammar(model, limits)))


def ended(model: Model, text: str, last: Piece) -> dict[str, Any]:
    end: InfilledEnd = {
        "content": text,
        "stop": True,
        "model": model.name,
        "tokens_predicted": last.tokens,
        "tokens_evaluated": last.prompt_tokens,
        "tokens_cached": last.reused,
        "stop_type": "limit" if last.finish == "length" else "eos",
        "truncated": False,
    }
    return dict(end)
