"""A host that takes the time of its rows, and gives up those for which nobody would wait any longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from unmask.generation.answer import Order, Piece
from unmask.server.host import Host, Waiting
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.refusals import OverloadError, QueueFullError

if TYPE_CHECKING:
    from unmask.engine.settings import Settings
    from unmask.model import Model


class WatchedHost(Host):
    """A host whose rows are measured, and whose line is bounded by tokens and by time too."""

    def __init__(self, model: Model, *, meter: Meter, limits: Limits, settings: Settings | None = None) -> None:
        super().__init__(model, settings=settings, room=limits.queued)
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
        self.check_line(len(order.prompt))
        began = time.monotonic()
        before: float | None = None
        self.queued_tokens += len(order.prompt)
        try:
            async with aclosing(super().written(order)) as pieces:
                while True:
                    piece = await self.next_of(pieces, began if before is None else None)
                    if piece is None:
                        return
                    if isinstance(piece, Piece):
                        now = time.monotonic()
                        if before is None:
                            self.queued_tokens -= len(order.prompt)
                            self.meter.begun(self.model.name, now - began, waited=piece.waited)
                        else:
                            self.meter.went_on(self.model.name, now - before)
                        before = now
                    yield piece
        finally:
            if before is None:
                self.queued_tokens -= len(order.prompt)

    def check_line(self, tokens: int) -> None:
        """One who comes to an empty line is let in whatever the prompt's length is."""
        most = self.limits.queued_tokens
        if self.queued_tokens and self.queued_tokens + tokens > most:
            raise QueueFullError(
                "{name} is busy: prompts of {queued} tokens are in line, and with this one's {tokens} it would be more "
                "than {most}. Try again in a few seconds.",
                name=self.model.name,
                queued=self.queued_tokens,
                tokens=tokens,
                most=most,
            )

    async def next_of(
        self, pieces: AsyncGenerator[Piece | Waiting, None], began: float | None
    ) -> Piece | Waiting | None:
        """The next piece, None at the end; a row that was ordered at `began` has to begin in time."""
        if began is None:
            return await anext(pieces, None)
        seconds = self.limits.queue_seconds
        try:
            async with asyncio.timeout(began + seconds - time.monotonic()) as until:
                return await anext(pieces, None)
        except TimeoutError as error:
            if not until.expired():
                raise
            raise OverloadError(
                "{name} is busy: this answer could not be begun within {seconds:g} seconds. Try again later.",
                name=self.model.name,
                seconds=seconds,
            ) from error
