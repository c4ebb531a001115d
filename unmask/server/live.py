"""The live page of the engine at `/engine`: who is being written to, what is remembered, how fast it goes."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

import torch
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from unmask.base.language import language, translate
from unmask.core.memory import process_memory
from unmask.server.metrics import Meter
from unmask.server.shelf import Shelf


def add_routes(app: FastAPI, meter: Meter, shelf: Shelf) -> None:
    """Put the page, and the numbers that it asks for once a second, on `app`."""

    async def engine(request: Request, lang: str | None = None) -> Response:
        html = page(lang if lang in ("en", "zh") else spoken(request.headers.get("accept-language", "")))
        return HTMLResponse(html, headers={"Content-Security-Policy": policy()})

    async def stats() -> dict[str, Any]:
        models = [{"name": host.name, "busy": host.busy, **asdict(host.engine.stats())} for host in shelf.hosts()]
        memory = process_memory(torch.device("cpu"))
        return {"models": models, "first_token_seconds": meter.usual_first, "memory": memory}

    app.add_api_route("/engine", engine, include_in_schema=False)
    app.add_api_route("/engine/stats", stats, include_in_schema=False)


def spoken(accepted: str) -> str:
    """The language of a browser's wishes, in order; else the server's own."""
    for wish in accepted.lower().split(","):
        if wish.strip()[:2] in ("en", "zh"):
            return wish.strip()[:2]
    return language()


def page(tongue: str) -> str:
    """The page in one language: one file without any address in it."""
    title = escape(translate("The engine, live", tongue))
    first, memory = translate("to the first token", tongue), translate("memory of the process", tongue)
    # A closing tag within the data would end its element.
    told = json.dumps(words(tongue), ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="{tongue}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>{title}</title>'
        f'<style>{asset("live.css")}</style></head><body><h1><span id="state"></span>{title}</h1>'
        f'<form id="wanted" hidden><label>{escape(translate("Key", tongue))} '
        '<input id="key" type="password" autocomplete="off"></label></form>'
        f'<dl><div><dt>{escape(first)}</dt><dd id="first">&ndash;</dd></div>'
        f'<div><dt>{escape(memory)}</dt><dd id="memory">&ndash;</dd></div></dl><main id="models"></main>'
        f'<script id="words" type="application/json">{told}</script><script>{asset("live.js")}</script></body></html>\n'
    )


def words(tongue: str) -> dict[str, str]:
    """What the script writes beside its numbers."""
    return {
        "speed": translate("tokens/s", tongue),
        "running": translate("being written", tongue),
        "waiting": translate("waiting", tongue),
        "now": translate("at the moment", tongue),
        "work": translate("at work", tongue),
        "idle": translate("idle", tongue),
        "reused": translate("of prompts remembered", tongue),
        "guessed": translate("of guesses right", tongue),
        "stopped": translate("stopped after a fault", tongue),
        "blocks": translate("Cache: {used} blocks in use, {kept} remembered, of {all} ({size})", tongue),
    }


def policy() -> str:
    """What the page may do: run what is in it, and ask this server."""
    script, style = (b64encode(sha256(asset(name).encode()).digest()).decode() for name in ("live.js", "live.css"))
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}' 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def asset(name: str) -> str:
    """A file of this folder, as text."""
    return files("unmask.server").joinpath(name).read_text(encoding="utf-8")
