"""Answers that are sent while they are made, and stop being made when nobody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from unmask.base.errors import UnmaskError
from unmask.server.limits import Limits
from unmask.server.refusals import TooLongError, failure, unexpected

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
EVENTS = "text/event-stream"


class ReaderGone(Exception):
    """The client is there, and takes nothing."""


def event(content: Mapping[str, object]) -> bytes:
    """One server-sent event; JSON has no raw line break, so one `data:` line holds it."""
    return b"data: " + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


async def with_errors(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The events; an error after the first of them becomes the last, since the status is sent by then."""
    begun = False
    async with aclosing(events):
        try:
            async for each in events:
                begun = True
                yield each
        except Exception as error:
            if not begun:
                raise
            yield event((failure(error) if isinstance(error, UnmaskError) else unexpected(error)).body)


class Live(StreamingResponse):
    """A response whose status waits for its first bytes, and whose work ends when the client leaves, even earlier.

    What is on its way to a client is bounded, by the socket's and the server's buffers: where they are full, the next
    chunk is not asked for. A client that takes nothing for a while has left.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], *, media_type: str) -> None:
        super().__init__(chunks, media_type=media_type, headers={"Cache-Control": "no-cache"})
        self.chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self.stream(send, scope["app"].state.limits))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.wait((sending, leaving))
        if not sending.cancelled():
            sending.result()

    async def stream(self, send: Send, limits: Limits) -> None:
        outlet = Outlet(send, limits.idle_seconds, self.status_code, self.raw_headers)
        try:
            async with asyncio.timeout(limits.seconds) as whole, aclosing(self.chunks) as chunks:
                async for chunk in chunks:
                    await outlet.hand(chunk)
            await outlet.end()
        except ReaderGone:
            return
        except TimeoutError as error:
            if not whole.expired():
                raise
            late = TooLongError(
                "This answer took longer than {seconds:g} seconds, the most here. Ask for a shorter one.",
                seconds=limits.seconds,
            )
            if not outlet.begun:
                raise late from error
            if self.media_type == EVENTS:
                await outlet.hand(event(failure(late).body))
                await outlet.end()


class Outlet:
    """Where chunks leave, the head before the first of them."""

    def __init__(self, send: Send, patience: float, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.send = send
        self.patience = patience
        self.head: Message = {"type": "http.response.start", "status": status, "headers": headers}
        self.begun = False

    async def hand(self, chunk: bytes) -> None:
        if not self.begun:
            self.begun = True
            await self.send(self.head)
        await self.take({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self.take({"type": "http.response.body", "body": b"", "more_body": False})

    async def take(self, message: Message) -> None:
        """
        Raises:
            ReaderGone: if the client takes nothing for too long.
        """
        try:
            async with asyncio.timeout(self.patience) as until:
                await self.send(message)
        except TimeoutError as error:
            if not until.expired():
                raise
            raise ReaderGone from error
