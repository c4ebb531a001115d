"""All routes of the API, one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from unmask.server import chat, completions, embeddings, middle, models, rerank, tokens
from unmask.server.schemas import Notes

if TYPE_CHECKING:
    from unmask.server.limits import Limits
    from unmask.server.shelf import Shelf


def add_routes(app: FastAPI, shelf: Shelf, limits: Limits) -> None:
    """Put the API on `app`, under /v1 and without it."""
    notes = Notes()
    models.add_routes(app, shelf)
    for each in (chat, completions, middle, embeddings, rerank, tokens):
        each.add_routes(app, shelf, limits, notes)
