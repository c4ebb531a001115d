"""A server from its start to its end: it drains when told to stop, and ends when a model has died."""

from __future__ import annotations

import signal
import threading
import time
from socket import socket
from types import FrameType
from typing import Any

import click
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from unmask.base.errors import EngineError
from unmask.base.language import say
from unmask.server.door import Door
from unmask.server.limits import Limits
from unmask.server.port import announce, let_go_after
from unmask.server.shelf import Shelf

PAUSE = 2
"""Seconds that connections get to end after everything was answered."""
WARNING = 5.0
"""Seconds for which a server with a dead model says so at `/health` before it ends."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """Answers until a signal or a dead model ends it."""

    def __init__(self, app: FastAPI, shelf: Shelf, limits: Limits, *, drain: float, with_page: bool) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Patient,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=PAUSE,
                timeout_keep_alive=round(limits.idle_seconds) or 1,
            )
        )
        self.shelf = shelf
        self.door: Door = app.state.door
        self.drain = drain
        self.with_page = with_page
        self.told = False
        """To stop."""
        self.end: float | None = None
        """When it ends at the latest, as time.monotonic tells; None while nobody wants it to."""
        self.dead: str | None = None
        """The model that died."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for each in sockets or ():
            announce(each, with_page=self.with_page)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal lets it end in good order; the next ends the process at once, whatever that is doing."""
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        self.told = True

    async def on_tick(self, counter: int) -> bool:
        await super().on_tick(counter)
        self.dead = self.dead or next((host.name for host in self.shelf.hosts() if not host.engine.alive), None)
        if self.dead and self.end is None:
            self.shut(WARNING)
        if self.told and (self.dead or self.end is None):
            self.shut(0 if self.dead else self.drain)
            if self.occupied and not self.dead:
                click.echo(
                    say(
                        "Finishing what is under way, for {seconds:g} seconds at most; a second signal (Ctrl-C) ends "
                        "it at once.",
                        seconds=self.drain,
                    ),
                    err=True,
                )
        return self.end is not None and (time.monotonic() > self.end or (self.dead is None and not self.occupied))

    def shut(self, seconds: float) -> None:
        self.door.shut = True
        self.end = time.monotonic() + seconds

    @property
    def occupied(self) -> bool:
        return self.door.inside > 0 or self.shelf.busy

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        # Beside all else: a model's thread that is stuck in a step must not keep the process from ending.
        threading.Thread(target=self.shelf.close, daemon=True).start()
        await super().shutdown(sockets=sockets)


class Patient(H11Protocol):
    """HTTP for one connection, which is closed where no request comes in time: not one header either."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.wait_for_request()

    def on_response_complete(self) -> None:
        self.wait_for_request()
        super().on_response_complete()

    def wait_for_request(self) -> None:
        self.loop.call_later(self.timeout_keep_alive, self.check_request, self.cycle)

    def check_request(self, last: object) -> None:
        """Close if `last` still is the last request, whatever part of the next one has come."""
        if self.cycle is last and not self.transport.is_closing():
            self.transport.close()


def serve(
    app: FastAPI, shelf: Shelf, *, socket: socket, limits: Limits, drain: float = 30.0, with_page: bool = False
) -> None:
    """Answer on a socket from `bind` until SIGINT or SIGTERM.

    Args:
        drain: seconds that requests get to be answered when the server is told to stop.
    Raises:
        EngineError: if a model has died; the others then end too, for a supervisor to start all of them again.
    """
    let_go_after(socket, limits.idle_seconds)
    server = Server(app, shelf, limits, drain=drain, with_page=with_page)
    server.run(sockets=[socket])
    if server.dead is not None:
        raise EngineError("The model {name} has stopped after a fault; see above. The server ends.", name=server.dead)
