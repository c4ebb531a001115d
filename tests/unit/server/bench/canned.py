"""A server that sends the same bytes to everyone, to see what is made of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unmask.server.bench.client import Address

END = b"data: [DONE]\n\n"


@asynccontextmanager
async def canned(said: bytes, *, heard: list[bytes] | None = None, hang: bool = False) -> AsyncIterator[Address]:
    """It waits for a whole request, kept in `heard`, answers, and closes; or hangs, and keeps the connection."""

    tasks: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        body = await reader.readexactly(length)
        if heard is not None:
            heard.append(head + body)
        writer.write(said)
        await writer.drain()
        if hang:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1], "/v1", secure=False, key=None)
        await asyncio.gather(*(task for task in tasks if task))


def reply(body: bytes, *, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*parts: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def said(**event: object) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def text(content: str, finish: str | None = None) -> bytes:
    return said(choices=[{"delta": {"content": content}, "finish_reason": finish}])
