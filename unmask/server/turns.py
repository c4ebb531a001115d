"""Whose turn it is: one model, one request computing at a time, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from unmask.server.refusals import QueueFullError, StoppingError

if TYPE_CHECKING:
    from unmask.generation.replies import Piece
    from unmask.generation.sampling import Sampling
    from unmask.model import Model
    from unmask.text.chat import Message

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """Not our turn yet: so many requests come first."""

    before: int


class Turns:
    """Everyone who wants the model's answer stands in this line: the API and the page alike. Belongs to one event loop.

    Args:
        room: how many may wait; the next one is turned away.
        pulse: seconds between two signs of life to one who waits.
    """

    def __init__(self, model: Model, *, room: int = 32, pulse: float = 10.0) -> None:
        self.model = model
        self.room = room
        self.pulse = pulse
        self.line: deque[asyncio.Future[None]] = deque()
        """The first is computing; it is done, as every place is once its turn has come."""
        self.closed = False
        # One thread: torch keeps its threads and its modes by thread, and `close` can never meet a running step.
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def busy(self) -> bool:
        return bool(self.line)

    @property
    def queued(self) -> int:
        return max(len(self.line) - 1, 0)

    def pieces(
        self,
        messages: Sequence[Message],
        *,
        sampling: Sampling | None = None,
        limit: int | None = None,
        stop: Sequence[str] = (),
        resume: bool = False,
    ) -> AsyncGenerator[Piece | Waiting, None]:
        """The answer to a conversation as it is written: the `steps` of the model's own stream."""
        stream = self.model.stream
        return self.steps(partial(stream, messages, sampling=sampling, limit=limit, stop=stop, resume=resume))

    async def steps(self, begin: Callable[[], Generator[T, None, None]]) -> AsyncGenerator[T | Waiting, None]:
        """Work for the model step by step, after signs of waiting for it. Closing this, or cancelling, stops the model.

        Args:
            begin: checks what is asked and returns the work; each step of it is one turn of the generator.
        Raises:
            QueueFullError: at once, if too many are waiting.
            UnmaskError: whatever `begin` has against the request; before any waiting.
        """
        place = self.join()
        work: Generator[T, None, None] | None = None
        try:
            work = await self.on_worker(begin)
            while not place.done():
                yield Waiting(before=self.line.index(place))
                await asyncio.wait((place,), timeout=self.pulse)
                self.check_open()
            while (step := await self.on_worker(next, work, None)) is not None:
                self.check_open()
                yield step
        finally:
            # Nothing is awaited here: a cancelled task may get no chance to. The worker closes after its running step.
            if work is not None:
                self.worker.submit(work.close)
            self.leave(place)

    def join(self) -> asyncio.Future[None]:
        """A place at the end of the line; it is done when its turn has come."""
        self.check_open()
        if len(self.line) > self.room:
            raise QueueFullError(
                "{name} is busy: {queued} requests are waiting, as many as are let in. Try again in a few seconds.",
                name=self.model.name,
                queued=self.queued,
            )
        self.line.append(asyncio.get_running_loop().create_future())
        self.call_first()
        return self.line[-1]

    def leave(self, place: asyncio.Future[None]) -> None:
        self.line.remove(place)
        self.call_first()

    def call_first(self) -> None:
        if self.line and not self.line[0].done():
            self.line[0].set_result(None)

    def on_worker(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self.worker, partial(call, *arguments, **named))

    def close(self) -> None:
        """End every request, waiting or under way, with an error, and let no new one begin."""
        self.closed = True
        for place in self.line:
            if not place.done():
                place.set_result(None)

    def check_open(self) -> None:
        if self.closed:
            raise StoppingError("The server is being stopped; ask again when it is back.")
