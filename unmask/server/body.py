"""A request's body: not too long, and not too slow to come."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.base.language import say
from unmask.server.limits import Limits


class BodyLimit:
    """Refuses a body of too many bytes with 413, by its declared length, else once it has grown too long; and with 408
    a client that stops sending before its body is whole.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limited = Limited(receive, declared(scope), self.limits) if scope["type"] == "http" else receive
        await self.app(scope, limited, send)


def declared(scope: Scope) -> int:
    """The length that the request says its body has; 0 where it says none."""
    return int(dict(scope["headers"]).get(b"content-length", 0))


class Limited:
    """Receives a body as far as it may come."""

    def __init__(self, receive: Receive, declared: int, limits: Limits) -> None:
        self.receive = receive
        self.declared = declared
        self.limits = limits
        self.received = 0
        self.whole = False

    async def __call__(self) -> Message:
        if self.whole:
            return await self.receive()  # what comes now is that the client leaves, whenever that is
        most = self.limits.body
        message: Message = await self.part() if self.declared <= most else {}
        self.received += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if max(self.declared, self.received) > most:
            raise HTTPException(
                413, say("The request's body is longer than {most} bytes, the most taken here.", most=most)
            )
        return message

    async def part(self) -> Message:
        try:
            async with asyncio.timeout(self.limits.idle_seconds):
                return await self.receive()
        except TimeoutError as error:
            raise HTTPException(
                408,
                say(
                    "The request's body did not come: nothing for {seconds:g} seconds.",
                    seconds=self.limits.idle_seconds,
                ),
            ) from error
