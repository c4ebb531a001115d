"""Which documents fit a query best, in the words of Jina, Cohere and vLLM.

Scores are the cosine of the angle between the vectors that the encoder gives the query and the document, from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NotRequired

import torch
from fastapi import FastAPI
from pydantic import Field
from torch import Tensor
from typing_extensions import TypedDict

from unmask.server.answers import documented
from unmask.server.bounds import check_characters, check_most
from unmask.server.host import Waiting
from unmask.server.replies import new
from unmask.server.schemas import Fields, Notes, Request
from unmask.server.vectors import batches

if TYPE_CHECKING:
    from unmask.model import Model
    from unmask.server.inputs import Rows
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf

MOST = 2048


class Document(Fields):
    text: str = Field(min_length=1)


class RerankRequest(Request):
    """The body of `POST /v1/rerank`."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {"truncate_prompt_tokens": (), "max_chunks_per_doc": (1,)}
    query: str = Field(min_length=1)
    documents: list[str | Document] = Field(min_length=1, max_length=MOST)
    top_n: int | None = Field(None, ge=1, description="How many to return; null: all.")
    return_documents: bool | None = Field(None, description="Whether to send the texts back; null: they are.")

    @property
    def texts(self) -> list[str]:
        return [each if isinstance(each, str) else each.text for each in self.documents]


class DocumentText(TypedDict):
    text: str


class Ranked(TypedDict):
    """A document by its place in the request, the best first."""

    index: int
    relevance_score: float
    document: NotRequired[DocumentText]


class RankUsage(TypedDict):
    prompt_tokens: int
    total_tokens: int


class Ranking(TypedDict):
    id: str
    model: str
    usage: RankUsage
    results: list[Ranked]


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits, notes: Notes) -> None:
    """Put the route on `app`, under /v1 and without it."""

    async def rerank(request: RerankRequest) -> Ranking:
        """Scores are cosines of the vectors of query and document, as the encoder makes them."""
        notes.take(request)
        return await ranked(shelf, request, limits)

    for prefix in ("/v1", ""):
        app.add_api_route(
            f"{prefix}/rerank",
            rerank,
            methods=["POST"],
            responses=documented(Ranking),
            include_in_schema=prefix == "/v1",
        )


async def ranked(shelf: Shelf, request: RerankRequest, limits: Limits) -> Ranking:
    async with shelf.lend(request.model) as host:
        rows = await host.off_loop(read, host.model, request, limits)
        found: dict[int, Tensor] = {}
        begin = partial(batches, host.model, rows, lambda index, vector: (index, vector))
        async with aclosing(host.steps(begin)) as steps:
            async for step in steps:
                if not isinstance(step, Waiting):
                    found |= dict(step)
        tokens = sum(map(len, rows))
        return {
            "id": new("rerank", host.model)["id"],
            "model": host.model.name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "results": results(request, torch.stack([found[index] for index in range(len(rows))])),
        }


def read(model: Model, request: RerankRequest, limits: Limits) -> Rows:
    """The ids of the query and of the documents after it.

    Raises:
        UnmaskError: if the model makes no vectors, or cannot read one of the texts.
    """
    check_most([("documents", len(request.documents), limits.texts)])
    check_characters("documents", [request.query, *request.texts], limits.characters)
    return model.rows([request.query, *request.texts])


def results(request: RerankRequest, vectors: Tensor) -> list[Ranked]:
    """The documents, the best first.

    Args:
        vectors: [N + 1, W], the query's first.
    """
    scores = torch.cosine_similarity(vectors[:1], vectors[1:]).tolist()
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    found: list[Ranked] = []
    for index in order[: request.top_n]:
        found.append({"index": index, "relevance_score": scores[index]})
        if request.return_documents is not False:
            found[-1]["document"] = {"text": request.texts[index]}
    return found
