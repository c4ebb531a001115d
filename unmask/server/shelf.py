"""The models of one server, by name: loaded when one is asked for, put away when nobody has for a while."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from unmask.base.allocation import give_back
from unmask.base.errors import UnmaskError
from unmask.base.registry import nearest
from unmask.server.refusals import LoadError, OverloadError, UnknownModelError

if TYPE_CHECKING:
    from unmask.server.host import Host

log = logging.getLogger("unmask.server")
T = TypeVar("T")


@dataclass(frozen=True)
class Title:
    """A model that can be had.

    Args:
        name: what clients call it.
        longest: the most tokens of a row.
        lacks: bytes by which the free memory is too small to load it now; 0 if it is enough, or nobody knows.
        load: makes it; this and `lacks` may take a while, and are called in a helper thread.
    """

    name: str
    longest: int
    lacks: Callable[[], int]
    load: Callable[[], Host]


@dataclass(frozen=True)
class Card:
    """A model as the list of models shows it; `created` is the second since when this server has offered it."""

    name: str
    created: int
    longest: int
    loaded: bool


class Copy:
    """A title's place on the shelf."""

    def __init__(self, title: Title) -> None:
        self.title = title
        self.host: Host | None = None
        self.lent = 0
        """To so many at the moment."""
        self.since = 0.0
        """When it came back last, as time.monotonic tells."""
        self.timer: asyncio.TimerHandle | None = None


class Shelf:
    """Lends models by name. Belongs to one event loop.

    Args:
        first: the model that is served from the start; it stays.
        others: loaded when they are asked for, one at a time.
        keep: seconds that one of them stays after its last use, unless its memory is wanted for another.
    """

    def __init__(self, first: Host, others: Sequence[Title] = (), *, keep: float = 300.0) -> None:
        self.first = first
        self.keep = keep
        self.created = int(time.time())
        self.copies = {title.name: Copy(title) for title in (title_of(first), *others)}
        self.copies[first.name].host = first
        self.loading = asyncio.Lock()
        self.errands: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def lend(self, name: str) -> AsyncIterator[Host]:
        """The model of that name for as long as the block lasts; it is loaded first if need be.

        Raises:
            UnknownModelError: if there is none.
            OverloadError: if there is no memory for it now.
            LoadError: if it cannot be loaded.
        """
        copy = self.find(name)
        copy.lent += 1
        try:
            yield copy.host or await self.fetched(copy)
        finally:
            copy.lent -= 1
            self.came_back(copy)

    def find(self, name: str) -> Copy:
        if name not in self.copies:
            raise UnknownModelError(
                "There is no model {name!r} here. Did you mean {nearest!r}?",
                name=name,
                nearest=nearest(name, self.copies, count=1)[0],
            )
        return self.copies[name]

    async def fetched(self, copy: Copy) -> Host:
        """Loading goes on if who asked for it leaves: it cannot be stopped half way, and may be wanted by others."""
        return await asyncio.shield(self.send(self.fetch(copy)))

    def send(self, errand: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Have something done, whoever waits for it."""
        task = asyncio.ensure_future(errand)
        self.errands.add(task)
        task.add_done_callback(self.done)
        return task

    def done(self, errand: asyncio.Task[Any]) -> None:
        self.errands.discard(errand)
        if not errand.cancelled():
            errand.exception()  # seen, even if nobody waits for it any more

    async def fetch(self, copy: Copy) -> Host:
        copy.lent += 1
        try:
            async with self.loading:
                if copy.host is None:
                    await self.make_room(copy.title)
                    copy.host = await asyncio.to_thread(hiding_reasons, copy.title, copy.title.load)
                return copy.host
        finally:
            copy.lent -= 1
            self.came_back(copy)

    async def make_room(self, title: Title) -> None:
        """Put models away that nobody uses, the longest unused one first, until there is memory for this one.

        Raises:
            OverloadError: if that is not enough.
        """
        while lacking := await asyncio.to_thread(hiding_reasons, title, title.lacks):
            unused = [each for each in self.copies.values() if self.may_go(each)]
            if not unused:
                raise OverloadError(
                    "There is no memory for {name} now: {lacking} MB more are needed. Try again later, or use a model "
                    "that is loaded: {loaded}.",
                    name=title.name,
                    lacking=-(-lacking // 1_000_000),
                    loaded=", ".join(card.name for card in self.cards() if card.loaded),
                )
            await self.put_away(min(unused, key=lambda each: each.since))

    def came_back(self, copy: Copy) -> None:
        copy.since = time.monotonic()
        if copy.timer:
            copy.timer.cancel()
        if self.may_go(copy):
            loop = asyncio.get_running_loop()
            copy.timer = loop.call_later(self.keep, self.leave_unused, copy)

    def leave_unused(self, copy: Copy) -> None:
        """Its time is over, unless it was lent again."""
        if self.may_go(copy):
            self.send(self.put_away(copy))

    async def put_away(self, copy: Copy) -> None:
        host, copy.host = copy.host, None
        if host:
            await asyncio.to_thread(host.close)
        del host
        await asyncio.to_thread(give_memory_back)

    def may_go(self, copy: Copy) -> bool:
        return copy.host is not None and copy.host is not self.first and not copy.lent

    def hosts(self) -> Iterator[Host]:
        """Those that are loaded."""
        return iter([copy.host for copy in self.copies.values() if copy.host])

    @property
    def busy(self) -> bool:
        return any(host.busy for host in self.hosts())

    def cards(self) -> list[Card]:
        """All models that can be asked for, the first one first."""
        return [
            Card(
                copy.title.name,
                self.created,
                copy.host.longest if copy.host else copy.title.longest,
                copy.host is not None,
            )
            for copy in self.copies.values()
        ]

    def close(self) -> None:
        """End whatever is asked of any model, with an error."""
        for host in self.hosts():
            host.close()


def hiding_reasons(title: Title, call: Callable[[], T]) -> T:
    """What a title's own function returns.

    Raises:
        LoadError: if it fails. Only the log says why: the reason may name files of this machine.
    """
    try:
        return call()
    except (UnmaskError, MemoryError) as error:
        log.error("%s cannot be loaded: %s", title.name, error)
        raise LoadError("{name} could not be loaded; the server's log says why.", name=title.name) from error


def give_memory_back() -> None:
    """Have the system take what a model or its loading leaves: its parts know one another, and Linux keeps freed memory
    for later.
    """
    gc.collect()
    give_back()


def title_of(host: Host) -> Title:
    """Of a model that is loaded and stays."""
    return Title(host.name, host.longest, lacks=lambda: 0, load=lambda: host)
