"""The models that can be asked for, as OpenAI's clients list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from unmask.server.answers import ModelCard, ModelList, documented

if TYPE_CHECKING:
    from unmask.server.shelf import Card, Shelf


def add_routes(app: FastAPI, shelf: Shelf) -> None:
    """Put the routes on `app`, under /v1 and without it."""

    async def models() -> ModelList:
        return {"object": "list", "data": [shown(card) for card in shelf.cards()]}

    async def model(name: str) -> ModelCard:
        shelf.find(name)
        return next(shown(card) for card in shelf.cards() if card.name == name)

    for prefix in ("/v1", ""):
        listed = prefix == "/v1"
        answers, one = documented(ModelList), documented(ModelCard)
        app.add_api_route(f"{prefix}/models", models, responses=answers, include_in_schema=listed)
        app.add_api_route(f"{prefix}/models/", models, include_in_schema=False)
        app.add_api_route(f"{prefix}/models/{{name:path}}", model, responses=one, include_in_schema=listed)


def shown(card: Card) -> ModelCard:
    """A model as the list shows it; Continue and vLLM's clients read `max_model_len`."""
    return {
        "id": card.name,
        "object": "model",
        "created": card.created,
        "owned_by": "unmask",
        "max_model_len": card.longest,
    }
