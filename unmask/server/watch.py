"""A host that takes the time of its rows, and gives up those for which nobody would wait any longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from unmask.generation.answer import Order, Piece
from unmask.server.host import Host, Served, Waiting
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.refusals import OverloadError, QueueFullError

if TYPE_CHECKING:
    from unmask.engine.settings import Settings

T = TypeVar("T")


class WatchedHost(Host):
    """A host whose rows are measured, and whose line is bounded by tokens and by time too."""

    def __init__(self, served: Served, *, meter: Meter, limits: Limits, settings: Settings | None = None) -> None:
        super().__init__(served, settings=settings, room=limits.queued)
        self.meter = meter
        self.limits = limits
        self.queued_tokens = 0
        """Of prompts that have no answer begun."""

    async def written(self, order: Order) -> AsyncGenerator[Piece | Waiting, None]:
        """As of any host.

        Raises:
            QueueFullError: also if too many tokens are in line.
            OverloadError: if no answer has begun when it should have.
        """
        began = time.monotonic()
        before: float | None = None
        async with aclosing(self.bounded(super().written(order), len(order.prompt))) as pieces:
            async for piece in pieces:
                if isinstance(piece, Piece):
                    now = time.monotonic()
                    if before is None:
                        self.meter.begun(self.name, now - began, waited=piece.waited)
                    else:
                        self.meter.went_on(self.name, now - before)
                    before = now
                yield piece

    async def steps(
        self, begin: Callable[[], Generator[T, None, None]], *, tokens: int = 0
    ) -> AsyncGenerator[T | Waiting, None]:
        """As of any host; raises as `written` does."""
        async with aclosing(self.bounded(super().steps(begin), tokens)) as steps:
            async for step in steps:
                yield step

    async def bounded(self, asked: AsyncGenerator[T | Waiting, None], tokens: int) -> AsyncGenerator[T | Waiting, None]:
        """What comes of reading so many tokens, if there is room for them in line, and it begins in time."""
        self.check_line(tokens)
        began, waiting = time.monotonic(), True
        self.queued_tokens += tokens
        try:
            async with aclosing(asked) as found:
                while (each := await self.next_of(found, began if waiting else None)) is not None:
                    if waiting and not isinstance(each, Waiting):
                        waiting = False
                        self.queued_tokens -= tokens
                    yield each
        finally:
            if waiting:
                self.queued_tokens -= tokens

    def check_line(self, tokens: int) -> None:
        """One who comes to an empty line is let in whatever the prompt's length is."""
        most = self.limits.queued_tokens
        if self.queued_tokens and self.queued_tokens + tokens > most:
            raise QueueFullError(
                "{name} is busy: prompts of {queued} tokens are in line, and with this one's {tokens} it would be more "
                "than {most}. Try again in a few seconds.",
                name=self.name,
                queued=self.queued_tokens,
                tokens=tokens,
                most=most,
            )

    async def next_of(self, found: AsyncGenerator[T, None], began: float | None) -> T | None:
        """The next of what is found, None at the end; what was ordered at `began` has to begin in time."""
        if began is None:
            return await anext(found, None)
        seconds = self.limits.queue_seconds
        try:
            async with asyncio.timeout(began + seconds - time.monotonic()) as until:
                return await anext(found, None)
        except TimeoutError as error:
            if not until.expired():
                raise
            raise OverloadError(
                "{name} is busy: this answer could not be begun within {seconds:g} seconds. Try again later.",
                name=self.name,
                seconds=seconds,
            ) from error
