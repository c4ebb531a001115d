"""OpenAI's embeddings route: texts or ids in, a vector each out, made a batch at a time."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from fastapi import FastAPI, Response
from pydantic import Field, PlainValidator
from typing_extensions import TypedDict

from unmask.server.answers import documented
from unmask.server.bounds import check_characters, check_most
from unmask.server.host import Waiting
from unmask.server.inputs import Rows, Texts, listed
from unmask.server.refusals import FieldError
from unmask.server.schemas import Notes, Request
from unmask.server.sse import Live
from unmask.server.vectors import batches, check_rows

if TYPE_CHECKING:
    from torch import Tensor

    from unmask.model import Model
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf

MOST = 2048
"""Texts in one request, as OpenAI has it."""

Form = Literal["float", "base64"]


class EmbeddingRequest(Request):
    """The body of `POST /v1/embeddings`."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {"truncate_prompt_tokens": (), "add_special_tokens": (True,)}
    input: Annotated[
        Texts | Rows,
        PlainValidator(
            listed("input", most=MOST), json_schema_input_type=str | list[str] | list[int] | list[list[int]]
        ),
    ] = Field(description="One text or several, or token ids in their place.")
    encoding_format: Form | None = Field(None, description="base64: of little-endian float32. Null is float.")
    dimensions: int | None = Field(None, description="Only the model's own.")
    user: str | None = Field(None, description="Taken and not used.")


class Embedding(TypedDict):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(TypedDict):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(TypedDict):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


@dataclass(frozen=True)
class Vector:
    """One text's vector, written as it goes over the wire."""

    index: int
    """Of the text in the request."""
    tokens: int
    written: str
    """JSON: an array of numbers, or little-endian float32 in base64."""


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the route on `app`, under /v1 and without it."""

    async def embeddings(request: EmbeddingRequest) -> Response:
        notes.take(request)
        return Live(answered(shelf, request, limits), media_type="application/json")

    for prefix in ("/v1", ""):
        app.add_api_route(
            f"{prefix}/embeddings",
            embeddings,
            methods=["POST"],
            responses=documented(EmbeddingList),
            include_in_schema=prefix == "/v1",
        )


async def answered(shelf: Shelf, request: EmbeddingRequest, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The whole answer as one chunk of JSON. It is put together from text: the numbers were written by the worker."""
    done: list[Vector] = []
    async with shelf.lend(request.model) as host:
        rows = await host.off_loop(read, host.model, request, limits)
        begin = partial(made, host.model, rows, request.encoding_format or "float")
        async with aclosing(host.steps(begin)) as steps:
            async for step in steps:
                if not isinstance(step, Waiting):
                    done += step
    done.sort(key=lambda vector: vector.index)
    data = ",".join(f'{{"object":"embedding","index":{each.index},"embedding":{each.written}}}' for each in done)
    tokens = sum(each.tokens for each in done)
    usage = json.dumps({"prompt_tokens": tokens, "total_tokens": tokens})
    name = json.dumps(request.model, ensure_ascii=False)
    yield f'{{"object":"list","data":[{data}],"model":{name},"usage":{usage}}}'.encode()


def read(model: Model, request: EmbeddingRequest, limits: Limits) -> Rows:
    """The ids of what is to be embedded.

    Raises:
        UnmaskError: if the model makes no vectors, or none of this width, or cannot read one of the texts.
    """
    width = model.dimensions
    if request.dimensions not in (None, width):
        raise FieldError(
            "{param}: the vectors of {name} have {width} numbers, not {wanted}. Leave {param} out.",
            param="dimensions",
            name=model.name,
            width=width,
            wanted=request.dimensions,
        )
    check_most([("input", len(request.input), limits.texts)])
    texts = [given for given in request.input if isinstance(given, str)]
    if texts:
        check_characters("input", texts, limits.characters)
        return model.rows(texts)
    rows = [given for given in request.input if isinstance(given, list)]
    check_rows(model, rows, "input")
    return rows


def made(model: Model, rows: Rows, form: Form) -> Generator[list[Vector], None, None]:
    """The vectors as the answer holds them, a batch at a time."""
    return batches(model, rows, lambda index, vector: Vector(index, len(rows[index]), written(vector, form)))


def written(vector: Tensor, form: Form) -> str:
    if form == "float":
        return json.dumps(vector.tolist())
    return json.dumps(base64.b64encode(vector.numpy().astype("<f4").tobytes()).decode())
