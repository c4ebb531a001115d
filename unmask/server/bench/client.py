"""A client that costs next to nothing, to measure servers with: one request, and its answer as it comes.

HTTP/1.1 with a connection a request; a whole client would take from the server the processor that is to be measured.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from unmask.base.errors import RequestError

LINE = 1 << 20
"""Most bytes of a line of an answer."""


@dataclass(frozen=True)
class Address:
    """Where an OpenAI-compatible API lives, and the key it wants."""

    host: str
    port: int
    path: str
    secure: bool
    key: str | None

    @classmethod
    def of(cls, url: str, *, key: str | None = None) -> Address:
        """
        Args:
            url: up to the version, as OpenAI's clients take it: http://127.0.0.1:8000/v1.
        Raises:
            RequestError: if it is no such address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise no_address(url) from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise no_address(url)
        secure = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"), secure, key)

    def head(self, method: str, path: str, length: int) -> bytes:
        """The head of a request to a path below the API's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            f"{method} {self.path}{path} HTTP/1.1",
            f"Host: {host}:{self.port}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            *([f"Authorization: Bearer {self.key}"] if self.key else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode()


def no_address(url: str) -> RequestError:
    return RequestError("{url!r} is not the address of an API. It should be like http://127.0.0.1:8000/v1", url=url)


class BrokenAnswer(Exception):
    """What came is not HTTP, or ends before its end."""


@dataclass(frozen=True)
class Response:
    """An answer whose head is there, and whose body is still to come."""

    status: int
    headers: dict[str, str]
    """Names in small letters."""
    reader: asyncio.StreamReader

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The body as it was sent, piece by piece."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                yield (await self.reader.readexactly(size + 2))[:-2]
        elif "content-length" in self.headers:
            yield await self.reader.readexactly(int(self.headers["content-length"]))
        else:
            while part := await self.reader.read(LINE):
                yield part

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Its whole lines, without their ends."""
        rest = b""
        async with aclosing(self.parts()) as parts:
            async for part in parts:
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    yield line.rstrip(b"\r")

    async def read(self) -> bytes:
        async with aclosing(self.parts()) as parts:
            return b"".join([part async for part in parts])


@asynccontextmanager
async def ask(address: Address, method: str, path: str, body: object = None) -> AsyncIterator[Response]:
    """Send a request, its body as JSON, and give its answer; leaving closes the connection.

    Raises:
        OSError: if nobody answers there.
        BrokenAnswer: if what answers does not speak HTTP, or stops in the middle.
    """
    raw = b"" if body is None else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=address.secure or None, limit=LINE)
    try:
        writer.write(address.head(method, path, len(raw)) + raw)
        await writer.drain()
        status = int((await reader.readline()).split()[1])
        headers = {}
        while line := (await reader.readline()).rstrip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        yield Response(status, headers, reader)
    except (ValueError, IndexError, asyncio.IncompleteReadError) as error:
        raise BrokenAnswer(str(error)) from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def fetch(address: Address, path: str) -> Any:
    """The JSON document there.

    Raises:
        OSError, BrokenAnswer: as `ask` does; the latter also if it is no JSON.
    """
    async with ask(address, "GET", path) as answer:
        return json.loads(await answer.read())
