"""Who is inside, and whether anybody else is let in."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.server.faults import PREFIXES
from unmask.server.refusals import QueueFullError, Refusal, StoppingError, failure

WATCHED = ("/health", "/metrics", "/engine")
"""Paths that are answered as long as there is a process: they tell how it is."""


class Door:
    """Counts those who are inside, lets in at most so many, and nobody once it is shut."""

    def __init__(self, *, most: int) -> None:
        self.most = most
        self.inside = 0
        self.shut = False

    def check_open(self) -> None:
        """
        Raises:
            StoppingError: if nobody is let in any more.
            QueueFullError: if too many are inside.
        """
        if self.shut:
            raise StoppingError("The server is being stopped; ask again when it is back.")
        if self.inside >= self.most:
            raise QueueFullError(
                "{count} requests are being answered, as many as are let in. Try again in a few seconds.",
                count=self.inside,
            )


class Doorkeeper:
    """Stands at the door."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith(WATCHED):
            await self.app(scope, receive, send)
            return
        try:
            self.door.check_open()
        except (StoppingError, QueueFullError) as error:
            await Refusal(failure(error))(scope, receive, send)
            return
        # A page holds connections open for as long as somebody looks at it: nobody waits for these.
        counted = scope["path"].startswith(PREFIXES)
        self.door.inside += counted
        try:
            await self.app(scope, receive, send)
        finally:
            self.door.inside -= counted
