"""Clients with all kinds of manners, 64 at a time, and what each of them got."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from unmask.server.bench.client import Address, BrokenAnswer, Response, ask

STUCK = 90.0
"""Seconds after which a request counts as stuck."""
BUSY = {429: {"queue_full"}, 503: {"shutting_down"}}
"""What every request may be told."""
CHAT = "/chat/completions"
GARBAGE: tuple[tuple[str, object, int], ...] = (
    (CHAT, {"messages": "hello"}, 400),
    (CHAT, {"model": "another", "messages": [{"role": "user", "content": "x"}]}, 404),
    (CHAT, {"messages": [{"role": "user", "content": "x"}], "n": 1_000_000}, 400),
    (CHAT, {"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}, 400),
    (CHAT, {"messages": [{"role": "user", "content": "sea " * 9000}]}, 400),
    (CHAT, {"messages": [{"role": "user", "content": "x" * 200_000}]}, 413),
    (CHAT, [1, 2], 400),
    ("/completions", {"prompt": [1, -5]}, 400),
    ("/completions", {"prompt": [999_999]}, 400),
    ("/completions", {"prompt": "x", "logprobs": 10_000}, 400),
    ("/nothing", {}, 404),
)
"""A path, a body, and what it must be answered with."""


class Unexpected(Exception):
    """What a server must not do."""


@dataclass
class Soak:
    """What became of the clients of one server. The same seed gives the same clients, though not at the same times."""

    address: Address
    model: str
    random: Random
    counts: Counter[str] = field(default_factory=Counter)
    """Clients by kind and end."""
    faults: list[str] = field(default_factory=list)
    stopping: bool = False
    """The server was told to stop: nobody may answer any more."""

    async def run(self, seconds: float, *, together: int = 64) -> None:
        """So many clients at a time, for so long; all of them have ended by then."""
        end = time.monotonic() + seconds

        async def one_after_the_other() -> None:
            while time.monotonic() < end and not self.stopping:
                await self.client()

        await asyncio.gather(*(one_after_the_other() for _ in range(together)))

    async def client(self) -> None:
        kinds: list[Callable[[], Awaitable[str]]] = [
            *[self.listens_to_the_end] * 4,
            *[self.leaves_in_the_middle] * 4,
            *[self.leaves_at_once] * 2,
            *[self.reads_slowly] * 2,
            *[self.waits_for_the_whole] * 2,
            *[self.sends_garbage] * 3,
            self.sends_no_json,
            self.sends_half_a_request,
        ]
        kind = self.random.choice(kinds)
        try:
            async with asyncio.timeout(STUCK):
                end = await kind()
        except TimeoutError:
            end = "stuck"
            self.faults.append(f"{kind.__name__}: stuck")
        except Unexpected as error:
            end = "unexpected"
            self.faults.append(f"{kind.__name__}: {error}")
        except (OSError, BrokenAnswer) as error:
            end = "cut off"
            if not self.stopping:
                self.faults.append(f"{kind.__name__}: {error!r}")
        self.counts[f"{kind.__name__}: {end}"] += 1

    def wish(self, **more: object) -> dict[str, object]:
        """A chat of random length; every third begins like another one, for prefixes to be shared."""
        words = ["The quick brown fox jumps over the lazy dog. " * 8] if self.random.random() < 0.3 else []
        words += self.random.choices(["fox", "dog", "猫", "语言", "what", "capital"], k=self.random.randint(1, 120))
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": " ".join(words)}],
            "max_tokens": self.random.randint(1, 60),
            "temperature": self.random.choice([0, 1]),
            "ignore_eos": True,
            **more,
        }

    async def listens_to_the_end(self) -> str:
        async with ask(self.address, "POST", CHAT, self.wish(stream=True, n=self.random.choice([1, 1, 3]))) as answer:
            if answer.status != 200:
                return await self.refused(answer, {})
            last = b""
            async for line in answer.lines():
                last = line or last
            return self.ended(last)

    def ended(self, last: bytes) -> str:
        """A stream ends with its end, or with an error that is typed."""
        if last == b"data: [DONE]":
            return "whole"
        code = json.loads(last.removeprefix(b"data: ")).get("error", {}).get("code")
        if not (self.stopping and code == "shutting_down"):
            raise Unexpected(f"a stream ended with {last!r}")
        return "told to go"

    async def leaves_in_the_middle(self) -> str:
        left = self.random.randint(1, 20)
        async with ask(self.address, "POST", CHAT, self.wish(stream=True, max_tokens=2000)) as answer:
            if answer.status != 200:
                return await self.refused(answer, {})
            async for _ in answer.lines():
                left -= 1
                if not left:
                    break
        return "left"

    async def leaves_at_once(self) -> str:
        body = self.wish(max_tokens=2000, stream=self.random.choice([True, False]))
        with suppress(OSError):
            await self.sends(json.dumps(body).encode(), path=CHAT)
        return "left"

    async def reads_slowly(self) -> str:
        """Takes a little now and then of an answer too large for the buffers between, and leaves it in the end."""
        body = self.wish(stream=True, max_tokens=3000, logprobs=True, top_logprobs=20)
        async with ask(self.address, "POST", CHAT, body) as answer:
            if answer.status != 200:
                return await self.refused(answer, {})
            for _ in range(self.random.randint(1, 10)):
                await answer.reader.read(100)
                await asyncio.sleep(self.random.random() / 2)
        return "left"

    async def waits_for_the_whole(self) -> str:
        path, body = self.random.choice(
            [
                (CHAT, self.wish(n=2, logprobs=True)),
                ("/completions", {"model": self.model, "prompt": ["fox", "dog"], "echo": True, "logprobs": 1}),
                ("/completions", {"model": self.model, "prompt": [[5, 6, 7]], "max_tokens": 0, "echo": True}),
            ]
        )
        async with ask(self.address, "POST", path, body) as answer:
            if answer.status != 200:
                return await self.refused(answer, {})
            if not json.loads(await answer.read())["choices"]:
                raise Unexpected("an answer without choices")
            return "whole"

    async def sends_garbage(self) -> str:
        path, body, status = self.random.choice(GARBAGE)
        filled = {"model": self.model, **body} if isinstance(body, dict) else body
        async with ask(self.address, "POST", path, filled) as answer:
            return await self.refused(answer, {status: None})

    async def sends_no_json(self) -> str:
        raw = self.random.choice([b"", b"{", b"\xff\xfe", b"[" * 50_000, b"{}" * 5, b'{"messages": NaN}'])
        reader, writer = await self.sends(raw, path=CHAT, close=False)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            check_typed(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ValueError, IndexError) as error:
            raise BrokenAnswer(repr(error)) from error
        finally:
            writer.close()
        if int(head.split()[1]) not in (400, *BUSY):
            raise Unexpected(f"{raw[:20]!r} was answered with {head!r}")
        return "refused"

    async def sends_half_a_request(self) -> str:
        raw = json.dumps(self.wish()).encode()
        with suppress(OSError):
            await self.sends(raw[: self.random.randrange(len(raw))], path=CHAT, length=len(raw))
        return "left"

    async def sends(
        self, raw: bytes, *, path: str, length: int | None = None, close: bool = True
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A body as it is, declared to be `length` long; and perhaps the connection closed right after."""
        reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        writer.write(self.address.head("POST", path, len(raw) if length is None else length) + raw)
        await writer.drain()
        if close:
            writer.close()
        return reader, writer

    async def refused(self, answer: Response, wanted: dict[int, Any]) -> str:
        """A refusal is typed, and of a kind that is due here: a wanted status, or that the server is busy."""
        error = check_typed(await answer.read())
        if answer.status not in wanted and error["code"] not in BUSY.get(answer.status, ()):
            raise Unexpected(f"{answer.status} {error}")
        return f"refused {answer.status}"


def check_typed(body: bytes) -> dict[str, Any]:
    """An error in OpenAI's form."""
    found = json.loads(body)
    if set(found) != {"error"} or set(found["error"]) != {"message", "type", "param", "code"}:
        raise Unexpected(f"an error without its form: {body[:200]!r}")
    error: dict[str, Any] = found["error"]
    return error
