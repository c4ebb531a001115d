"""Conversations to take away: what the links of the sidebar lead to."""

from __future__ import annotations

from fastapi import FastAPI, Response
from starlette.exceptions import HTTPException

from unmask.base.language import language
from unmask.web.conversation import Conversation
from unmask.web.export import all_as_json, all_as_markdown, as_json, as_markdown
from unmask.web.store import Store

ROOT = "/conversations"


def add_routes(app: FastAPI, store: Store) -> None:
    """One conversation or all of them, as JSON or as Markdown."""

    def existing(conversation: str) -> Conversation:
        if all(entry.id != conversation for entry in store.find().entries):
            raise HTTPException(404)
        return store.read(conversation)

    def everything() -> list[Conversation]:
        return [store.read(entry.id) for entry in store.find().entries]

    @app.get(f"{ROOT}.json", include_in_schema=False)
    def all_json() -> Response:
        return attached(all_as_json(everything()), "conversations.json", "application/json")

    @app.get(f"{ROOT}.md", include_in_schema=False)
    def all_markdown(tongue: str = "") -> Response:
        text = all_as_markdown(everything(), tongue or language())
        return attached(text.encode(), "conversations.md", "text/markdown")

    @app.get(f"{ROOT}/{{conversation}}.json", include_in_schema=False)
    def one_json(conversation: str) -> Response:
        return attached(as_json(existing(conversation)), f"{conversation}.json", "application/json")

    @app.get(f"{ROOT}/{{conversation}}.md", include_in_schema=False)
    def one_markdown(conversation: str, tongue: str = "") -> Response:
        text = as_markdown(existing(conversation), tongue or language())
        return attached(text.encode(), f"{conversation}.md", "text/markdown")


def attached(content: bytes, name: str, kind: str) -> Response:
    """A file of that name for the browser to save."""
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
