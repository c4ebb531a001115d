"""The application: every route, and in which order a request passes what stands before them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from unmask.server import faults, health, live, metrics, routes
from unmask.server.body import BodyLimit
from unmask.server.door import Door, Doorkeeper
from unmask.server.host import Host
from unmask.server.hosts import OwnNames
from unmask.server.keys import Guard, Keys
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.shelf import Shelf
from unmask.server.visits import Visits

OURS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?|vscode-webview://.*"
"""Pages of this machine, and the web views of editors. Other sites' scripts may not use the user's model."""
TOLD = ["x-request-id", "retry-after"]
"""Headers that scripts of other pages may read."""

Page = Callable[[FastAPI, Host], None]
"""Puts a web page on the application; `unmask.web.page.mount` is one. Given, since the web layer stands on this one."""


def create_app(shelf: Shelf, *, meter: Meter, limits: Limits, keys: Keys, page: Page | None = None) -> FastAPI:
    """The API on some models, and the page on the first of them where one is given.

    Args:
        keys: where there are some, whoever knows one may ask from anywhere; else only this machine may.
    """
    app = FastAPI(
        title="unmask",
        docs_url=None,  # the docs pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"description": "What is wrong with the request, in OpenAI's form"}},
    )
    app.state.limits, app.state.door = limits, Door(most=limits.inside)
    add_ways(app, meter, limits, keys)
    routes.add_routes(app, shelf, limits)
    health.add_routes(app, shelf, app.state.door)
    metrics.add_routes(app, meter, shelf)
    live.add_routes(app, meter, shelf)
    faults.add_handlers(app)
    faults.add_dead_ends(app)
    if page:
        page(app, shelf.first)
    return app


Origins = partial(CORSMiddleware, allow_methods=["*"], allow_headers=["*"], expose_headers=TOLD)
"""Which pages' scripts may ask, and read what."""


def add_ways(app: FastAPI, meter: Meter, limits: Limits, keys: Keys) -> None:
    """What a request passes on its way in, the last one first."""
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(Doorkeeper, door=app.state.door)
    if keys:
        app.add_middleware(Guard, keys=keys)
        # A script has to know a key, whichever page it is on: browsers add none by themselves.
        app.add_middleware(Origins, allow_origins=["*"])
    else:
        app.add_middleware(Origins, allow_origin_regex=OURS)
        app.add_middleware(OwnNames)
    app.add_middleware(Visits, meter=meter)
