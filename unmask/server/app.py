"""From a loaded model to a server that listens: the port, the application, and running it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from typing import TYPE_CHECKING, Any

import click

from unmask.base.errors import MissingExtra, ServerError
from unmask.base.language import say

if TYPE_CHECKING:
    from fastapi import FastAPI

    from unmask.model import Model
    from unmask.server.turns import Turns

LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
PAUSE = 2
"""Seconds that open connections get to end when the server is told to stop."""

Page = Callable[["FastAPI", "Turns"], None]
"""Puts a web page on the application; `unmask.web.page.mount` is one. Given, since the web layer stands on this one."""


def bind(host: str, port: int) -> socket:
    """Take the port, before anything slow is done. Port 0 takes any free one.

    Raises:
        ServerError: if the address is not this machine's own, or the port is in use or forbidden.
    """
    if host not in LOOPBACK:
        raise ServerError(
            "Will not listen on {host!r}: without keys, only this machine may ask. "
            "Use 127.0.0.1, and a tunnel (ssh -L) from elsewhere.",
            host=host,
        )
    if not 0 <= port < 1 << 16:
        raise ServerError("Port {port} does not exist; ports go from 0 to 65535.", port=port)
    address = LOOPBACK[host]
    listener = socket(AF_INET6 if ":" in address else AF_INET)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        # Listening at once is what makes a second server fail here, and not after it has loaded its model.
        listener.listen()
    except OSError as error:
        listener.close()
        raise ServerError(
            "Cannot listen on {host}:{port}: {reason}. Choose another port with --port.",
            host=host,
            port=port,
            reason=error.strerror,
        ) from error
    return listener


def create_app(model: Model, *, page: Page | None = None, room: int = 32) -> FastAPI:
    """The API on one model, and the page where one is given; both stand in the same line for the model.

    Args:
        room: how many requests may wait while one is computing.
    Raises:
        MissingExtra: if the packages for serving are not installed.
    """
    try:
        from fastapi import FastAPI
        from fastapi.middleware.cors import CORSMiddleware

        from unmask.server import embeddings, faults, openai
        from unmask.server.hosts import OwnNames
        from unmask.server.limits import BODY, BodyLimit
        from unmask.server.turns import Turns
    except ModuleNotFoundError as error:
        raise missing(error) from error

    turns = Turns(model, room=room)
    app = FastAPI(
        title="unmask",
        docs_url=None,  # the docs pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"description": "What is wrong with the request, in OpenAI's form"}},
    )
    app.add_middleware(BodyLimit, most=BODY)
    # Pages of this machine, and the web views of editors, may ask; other sites' scripts may not use the user's model.
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?|vscode-webview://.*",
        allow_methods=["*"],
        allow_headers=["*"],
    )
    app.add_middleware(OwnNames)
    app.state.turns = turns
    openai.add_routes(app, turns)
    embeddings.add_routes(app, turns)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "model": model.name, "busy": turns.busy, "queued": turns.queued}

    faults.add_handlers(app)
    faults.add_dead_ends(app)
    if page:
        page(app, turns)
    return app


def serve(model: Model, *, socket: socket, page: Page | None = None) -> None:
    """Answer on a socket from `bind` until SIGINT or SIGTERM.

    Raises:
        MissingExtra: if the packages for serving are not installed.
    """
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise missing(error) from error

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets=sockets)
            announce(socket, with_page=page is not None)

        async def shutdown(self, sockets: list[Any] | None = None) -> None:
            app.state.turns.close()
            await super().shutdown(sockets=sockets)

    app = create_app(model, page=page)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=PAUSE)
    # uvicorn stops in good order, then raises the signal once more for whoever listened before; that is us.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        Server(config).run(sockets=[socket])
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def announce(listener: socket, *, with_page: bool) -> None:
    """Tell on standard error where to go, now that something answers there."""
    host, port = listener.getsockname()[:2]
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if with_page:
        click.echo(say("Page: {address}", address=f"{root}/"), err=True)
    click.echo(say("API:  {address}  (stop with Ctrl-C)", address=f"{root}/v1"), err=True)


def missing(error: ModuleNotFoundError) -> MissingExtra:
    return MissingExtra("Serving needs {package}. Run: pip install 'unmask[serve]'", package=error.name)
