"""`serve`: the web page and the OpenAI-compatible API, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.cli.streams import notice, show_json
from unmask.cli.verb import DEFAULT_MODEL, Verb, model_argument, placement_options, quantize_option

if TYPE_CHECKING:
    from unmask.server.app import Page

EXACT = "none"
"""Asks for exact weights."""


def verb() -> Verb:
    return Verb(
        "serve",
        serve,
        say("Serve a web page and an OpenAI-compatible API with MODEL (else {name}).", name=DEFAULT_MODEL),
        [
            model_argument(default=DEFAULT_MODEL),
            click.Option(["--host"], default="127.0.0.1", help=say("Address to listen on; else this machine only.")),
            click.Option(
                ["--port"],
                default=8000,
                type=int,
                metavar="N",
                help=say("Port to listen on; else 8000."),
            ),
            click.Option(["--page/--no-page"], default=True, help=say("With the web page, or the API alone.")),
            *placement_options(),
            quantize_option(EXACT),
        ],
    )


def serve(
    *,
    model: str,
    host: str,
    port: int,
    page: bool,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Take the port first, so that a port in use is said at once. The server itself says where it answers."""
    from unmask.server import app

    with app.bind(host, port) as socket:
        notice(say("Loading {name}", name=model))

        from unmask.model import load

        wanted = None if quantize == EXACT else quantize or (None if dtype else for_speed(model, device, allow_pickle))
        loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=wanted)
        if wanted and not quantize:
            notice(say("Weights in {scheme} for speed; --quantize none keeps them exact", scheme=loaded.dtype))
        if as_json:
            address, number = socket.getsockname()[:2]
            root = f"http://[{address}]:{number}" if ":" in address else f"http://{address}:{number}"
            show_json({"model": loaded.name, "page": f"{root}/" if page else None, "api": f"{root}/v1"})
        app.serve(loaded, socket=socket, page=page_maker() if page else None)


def for_speed(model: str, device: str | None, allow_pickle: bool) -> str | None:
    """What a model that writes is served in unless told otherwise; None is exact."""
    from unmask.base.runtime import resolve_device
    from unmask.checkpoints.hub import locate
    from unmask.families import build
    from unmask.families.open import open_checkpoint

    checkpoint = open_checkpoint(locate(model), allow_pickle=allow_pickle)
    return build.speed_format(checkpoint, resolve_device(device))


def page_maker() -> Page:
    """What puts the web page on the server."""
    from unmask.web.page import mount

    return mount
