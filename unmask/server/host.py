"""One model and its engine, for asyncio: whoever asks gets what is written as it comes, and may leave at any time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from unmask.engine.engine import Deliver, Engine, Ticket
from unmask.generation.answer import Order, Piece
from unmask.model import Model
from unmask.server.refusals import FieldError, QueueFullError, StoppingError
from unmask.translator import Translator

if TYPE_CHECKING:
    from unmask.engine.settings import Settings
    from unmask.generation.sampling import Sampling
    from unmask.text.chat import Message

P = ParamSpec("P")
T = TypeVar("T")
Served = Model | Translator


@dataclass(frozen=True)
class Waiting:
    """Nothing yet: so many requests come first."""

    before: int


class Host:
    """Everyone who wants something of the model asks here: the API and the page alike. Belongs to one event loop.

    Args:
        room: how many may be in line beside those that are being written; the next one is turned away.
        pulse: seconds between two signs of life to one who waits.
    """

    def __init__(
        self, served: Served, *, settings: Settings | None = None, room: int = 64, pulse: float = 10.0
    ) -> None:
        self.served = served
        self.room = room
        self.pulse = pulse
        self.asking = 0
        """Requests that are in line or under way."""
        self.mail: deque[tuple[asyncio.Queue[object], object]] = deque()
        """What the engine has delivered and the event loop has not handed on."""
        self.called: asyncio.AbstractEventLoop | None = None
        """The loop, where it has been called to it: once for all that a step delivers."""
        if isinstance(served, Translator):
            self.engine = Engine(None, None, settings)
        else:
            self.engine = Engine(served.core, served.loaded.tokenizer, settings)
        self.engine.start()

    @property
    def name(self) -> str:
        return self.served.name

    @property
    def translator(self) -> Translator | None:
        """What is served, if it translates; else there is a `model`."""
        return self.served if isinstance(self.served, Translator) else None

    @property
    def model(self) -> Model:
        """What is served, for all but translations.

        Raises:
            FieldError: if it is a translator.
        """
        if isinstance(self.served, Translator):
            raise FieldError(
                "{name} turns one text into another and can do nothing else. Send texts to /v1/chat/completions or "
                "/v1/completions.",
                param="model",
                name=self.name,
            )
        return self.served

    @property
    def longest(self) -> int:
        """The most tokens of a row: of a prompt with its answer, or of a text that is to be embedded or translated."""
        if isinstance(self.served, Translator) or self.served.spec.writes:
            return self.served.context
        return self.served.longest

    @property
    def busy(self) -> bool:
        return self.asking > 0

    @property
    def queued(self) -> int:
        """How many are not being written yet."""
        return max(0, self.asking - self.engine.settings.rows)

    async def pieces(
        self,
        messages: Sequence[Message],
        *,
        sampling: Sampling | None = None,
        limit: int | None = None,
        stop: Sequence[str] = (),
        resume: bool = False,
    ) -> AsyncGenerator[Piece | Waiting, None]:
        """The answer to a conversation as it is written.

        Args:
            sampling: None takes what the model's makers advise.
            resume: go on with the last message, which is an answer that was cut.
        Raises:
            UnmaskError: as `Model.stream` does, and as `written`.
        """
        reader = self.model.reader
        reader.check_writes()
        ids = await self.off_loop(partial(reader.render, resume=resume), messages)
        order = Order(ids, sampling or self.model.sampling, limit, stop)
        async with aclosing(self.written(order)) as pieces:
            async for piece in pieces:
                yield piece

    async def written(self, order: Order) -> AsyncGenerator[Piece | Waiting, None]:
        """A row's pieces, after signs of waiting. Closing this, or cancelling, ends the row within a step.

        Raises:
            QueueFullError: at once, if too many are asking.
            ContextError, RequestError: if the order cannot be done.
            StoppingError, EngineError: if the server is being stopped, or the model has stopped.
        """
        async with aclosing(self.asked(partial(self.engine.submit, order))) as found:
            async for each in found:
                piece = cast(Piece | Waiting, each)
                yield piece
                if isinstance(piece, Piece) and piece.finish:
                    return

    async def steps(
        self, begin: Callable[[], Generator[T, None, None]], *, tokens: int = 0
    ) -> AsyncGenerator[T | Waiting, None]:
        """Other work of the model, step by step. Closing this, or cancelling, ends the work.

        Args:
            begin: called on the model's thread; checks what is asked and returns the work.
            tokens: that are to be read, where a line may be bounded by them.
        Raises:
            UnmaskError: whatever `begin` and its work have against the request; and as `written`.
        """
        async with aclosing(self.asked(partial(self.engine.work, begin))) as found:
            async for each in found:
                if each is None:
                    return
                yield cast(T | Waiting, each)

    async def asked(self, ask: Callable[[Deliver], Ticket]) -> AsyncGenerator[object, None]:
        """What the engine delivers, and signs of waiting before that; never ends by itself."""
        if self.asking >= self.engine.settings.rows + self.room:
            raise QueueFullError(
                "{name} is busy: {queued} requests are waiting, as many as are let in. Try again in a few seconds.",
                name=self.name,
                queued=self.queued,
            )
        self.asking += 1
        try:
            outbox: asyncio.Queue[object] = asyncio.Queue()
            ticket = await self.posted(ask, outbox)
            try:
                async for each in self.delivered(outbox):
                    yield each
            finally:
                ticket.cancelled = True
        finally:
            self.asking -= 1

    async def posted(self, ask: Callable[[Deliver], Ticket], outbox: asyncio.Queue[object]) -> Ticket:
        """The ticket of what is asked; if nobody waits for it any more, it is given up as soon as it is there."""
        loop = asyncio.get_running_loop()

        def deliver(found: object) -> None:
            self.mail.append((outbox, found))
            if self.called is not loop and not loop.is_closed():
                self.called = loop
                loop.call_soon_threadsafe(self.hand_on)

        posting = asyncio.ensure_future(self.off_loop(ask, deliver))
        try:
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            posting.add_done_callback(give_up)
            raise

    def hand_on(self) -> None:
        self.called = None
        while self.mail:
            outbox, found = self.mail.popleft()
            outbox.put_nowait(found)

    async def delivered(self, outbox: asyncio.Queue[object]) -> AsyncGenerator[object, None]:
        begun = False
        if self.queued:
            yield Waiting(before=self.queued)
        while True:
            try:
                # Not wait_for: it forgets a cancellation that comes together with what it waits for (until 3.12).
                async with asyncio.timeout(None if begun else self.pulse):
                    found = await outbox.get()
            except TimeoutError:
                yield Waiting(before=self.queued)
                continue
            if isinstance(found, BaseException):
                raise found
            begun = True
            yield found

    async def off_loop(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do what may take a while (templates, tokenizing, grammars) beside the event loop and the model."""
        return await asyncio.to_thread(call, *arguments, **named)

    def close(self) -> None:
        """End every request, waiting or under way, with an error, and let no new one begin."""
        self.engine.close(StoppingError("The server is being stopped; ask again when it is back."))


def give_up(posting: asyncio.Future[Ticket]) -> None:
    """Nobody waits for this ticket."""
    if not posting.cancelled() and posting.exception() is None:
        posting.result().cancelled = True
