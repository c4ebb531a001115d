"""`serve`: the web page and the OpenAI-compatible API, on this machine, or with keys for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from unmask.base.errors import ServerError
from unmask.base.language import say
from unmask.cli.streams import notice, show_json
from unmask.cli.verb import DEFAULT_MODEL, Verb, given, placement_options, quantize_option

if TYPE_CHECKING:
    from unmask.engine.settings import Settings
    from unmask.server.app import Page
    from unmask.server.host import Host, Served
    from unmask.server.limits import Limits
    from unmask.server.metrics import Meter
    from unmask.server.shelf import Shelf
    from unmask.server.titles import Placement

EXACT = "none"
"""Asks for exact weights."""
LIMITS = {
    "body": "max-body",
    "tokens": "max-prompt",
    "inside": "max-requests",
    "queued": "max-queue",
    "queue_seconds": "queue-time",
    "seconds": "answer-time",
    "idle_seconds": "idle-time",
}
"""Limits that the command line can set, and as what."""


def verb() -> Verb:
    return Verb(
        "serve",
        serve,
        say(
            "Serve a web page and an OpenAI-compatible API with MODEL (else {name}). Further models are loaded when a "
            "request names them.",
            name=DEFAULT_MODEL,
        ),
        [
            click.Argument(["models"], nargs=-1, metavar="[MODEL]..."),
            *place_options(),
            *limit_options(),
            *engine_options(),
            *placement_options(),
            quantize_option(EXACT),
        ],
    )


def place_options() -> list[click.Parameter]:
    """Where it listens, who may ask, and how long things last."""
    return [
        click.Option(["--host"], default="127.0.0.1", help=say("Address to listen on; else this machine only.")),
        click.Option(["--port"], default=8000, type=int, metavar="N", help=say("Port to listen on; else 8000.")),
        click.Option(
            ["--keys"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=say("Answer only who knows a key; one a line. Or in UNMASK_KEYS, with commas. Without the web page."),
        ),
        click.Option(["--page/--no-page"], default=None, help=say("With the web page, or the API alone.")),
        click.Option(
            ["--keep"],
            default=300.0,
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help=say("How long further models stay loaded when nobody uses them; else 300."),
        ),
        click.Option(
            ["--drain"],
            default=30.0,
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help=say("How long answers may go on when the server is stopped; else 30."),
        ),
    ]


def limit_options() -> list[click.Parameter]:
    """What is refused; those left out are None, for the server to decide."""

    def most(field: str, kind: type, metavar: str, purpose: str) -> click.Option:
        return click.Option([f"--{LIMITS[field]}", field], type=kind, metavar=metavar, help=purpose)

    return [
        most("body", int, "BYTES", say("Longest request; else 4194304.")),
        most("tokens", int, "N", say("Most tokens of a prompt; else the model's context.")),
        most("inside", int, "N", say("Most requests at a time; else 512.")),
        most("queued", int, "N", say("Most answers that wait to be begun; else 64.")),
        most("queue_seconds", float, "SECONDS", say("How long an answer may wait to be begun; else 300.")),
        most("seconds", float, "SECONDS", say("How long an answer may take; else 3600.")),
        most("idle_seconds", float, "SECONDS", say("How long a client may neither send nor take anything; else 60.")),
    ]


def engine_options() -> list[click.Parameter]:
    """How the models are worked; what is left out is None, for the engine to decide."""
    return [
        click.Option(["--rows"], type=int, metavar="N", help=say("Most answers that are written at a time; else 32.")),
        click.Option(
            ["--cache-memory"],
            type=click.IntRange(min=1),
            metavar="MB",
            help=say("Room for the keys and values of each model; else 96 or one whole context, if that is more."),
        ),
        click.Option(
            ["--cache"],
            type=click.Choice(["int8", "full"]),
            help=say("Keep keys and values in 8 bits, as quantized models do by themselves, or in twice the room."),
        ),
        click.Option(
            ["--drafts/--no-drafts"],
            default=None,
            help=say("Guess what repeats itself and check it all at once: faster, the same text. On by itself."),
        ),
    ]


def serve(
    *,
    models: tuple[str, ...],
    host: str,
    port: int,
    keys: Path | None,
    page: bool | None,
    keep: float,
    drain: float,
    rows: int | None,
    cache_memory: int | None,
    cache: Literal["int8", "full"] | None,
    drafts: bool | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
    **limited: Any,
) -> None:
    """Take the port first, so that a port in use is said at once. The server itself says where it answers."""
    from unmask.server.needs import check_installed

    check_installed()

    from unmask.server.keys import read_keys
    from unmask.server.limits import Limits
    from unmask.server.port import bind, root

    known = read_keys(keys)
    with_page = page_wanted(page, with_keys=bool(known))
    limits = Limits(**given(limited))
    names = tuple(dict.fromkeys(models)) or (DEFAULT_MODEL,)
    with bind(host, port, guarded=bool(known)) as socket:
        from unmask.engine.settings import Settings
        from unmask.server.app import create_app
        from unmask.server.metrics import Meter
        from unmask.server.run import serve as run
        from unmask.server.titles import Placement

        meter = Meter()
        exact = quantize == EXACT
        placement = Placement(dtype, device, allow_pickle, None if exact else quantize, exact)
        memory = None if cache_memory is None else cache_memory << 20
        settings = Settings(**given({"rows": rows, "memory": memory, "cache": cache, "drafts": drafts}))
        shelf = fill_shelf(names, placement, hosting(meter, limits, settings), keep=keep)
        if as_json:
            address = root(socket)
            shown = {"model": names[0], "models": names, "page": f"{address}/" if with_page else None}
            show_json({**shown, "api": f"{address}/v1"})
        app = create_app(shelf, meter=meter, limits=limits, keys=known, page=page_maker() if with_page else None)
        run(app, shelf, socket=socket, limits=limits, drain=drain, with_page=with_page)


def page_wanted(page: bool | None, *, with_keys: bool) -> bool:
    """The page shows its user's own conversations, and so is for this machine alone.

    Raises:
        ServerError: if it was asked for together with keys.
    """
    if page and with_keys:
        raise ServerError(
            "The web page is for this machine's user alone, and keys are for others. Leave out one of them."
        )
    return not with_keys if page is None else page


def hosting(meter: Meter, limits: Limits, settings: Settings) -> Callable[[Served], Host]:
    """What makes a host of a loaded model."""
    from unmask.server.watch import WatchedHost

    return lambda served: WatchedHost(served, meter=meter, limits=limits, settings=settings)


def fill_shelf(names: Sequence[str], placement: Placement, host: Callable[[Served], Host], *, keep: float) -> Shelf:
    """All models by name; the first one is loaded at once."""
    from unmask.server.shelf import Shelf
    from unmask.server.titles import title

    others = [title(name, placement, host) for name in names[1:]]
    notice(say("Loading {name}", name=names[0]))
    chosen = placement.scheme(placement.opened(names[0]))
    loaded = placement.load(names[0])
    if chosen and not placement.quantize:
        notice(say("Weights in {scheme} for speed; --quantize none keeps them exact", scheme=loaded.dtype))
    return Shelf(host(loaded), others, keep=keep)


def page_maker() -> Page:
    """What puts the web page on the server."""
    from unmask.web.page import mount

    return mount
