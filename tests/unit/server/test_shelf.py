"""Several models: loaded when they are asked for, put away when nobody does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import unmask
from tests.unit.server.live import serving, until
from unmask.base.errors import CheckpointError
from unmask.server.host import Host
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.refusals import LoadError, OverloadError, UnknownModelError
from unmask.server.shelf import Shelf, Title
from unmask.server.watch import WatchedHost

STOP = "the test is over"


@dataclass
class Stock:
    """Titles of one folder under several names, and what was done with them."""

    folder: Path
    made: list[WatchedHost] = field(default_factory=list)
    memory: int = 1
    """So many fit beside the first model."""
    loading: int = 0
    most_loading: int = 0

    def host(self) -> WatchedHost:
        return WatchedHost(unmask.load(self.folder), meter=Meter(), limits=Limits())

    def title(self, name: str) -> Title:
        return Title(name, 64, lacks=self.lacks, load=self.load)

    def load(self) -> Host:
        self.loading += 1
        self.most_loading = max(self.most_loading, self.loading)
        self.made.append(self.host())
        self.loading -= 1
        return self.made[-1]

    def lacks(self) -> int:
        return 0 if sum(each.engine.alive for each in self.made) < self.memory else 7_000_001


@pytest.fixture
def stock(tiny_folder: Path) -> Iterator[Stock]:
    stock = Stock(tiny_folder)
    yield stock
    for host in stock.made:
        host.close()


@contextmanager
def filled(stock: Stock, *names: str, keep: float = 300.0) -> Iterator[Shelf]:
    first = stock.host()
    try:
        yield Shelf(first, [stock.title(name) for name in names], keep=keep)
    finally:
        first.close()


def test_a_model_is_loaded_once_when_it_is_asked_for(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        assert [card.loaded for card in shelf.cards()] == [True, False]
        async with shelf.lend("second") as one, shelf.lend("second") as other:
            assert one is other
        assert [card.loaded for card in shelf.cards()] == [True, True]

    with filled(stock, "second") as shelf:
        asyncio.run(ask(shelf))
    assert len(stock.made) == 1


def test_the_first_model_is_there_from_the_start(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        async with shelf.lend(shelf.first.model.name) as host:
            assert host is shelf.first

    with filled(stock) as shelf:
        asyncio.run(ask(shelf))
    assert not stock.made


def test_an_unknown_name_says_the_nearest(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        async with shelf.lend("secnod"):
            pass

    with filled(stock, "second", "other") as shelf, pytest.raises(UnknownModelError, match="'secnod'.*'second'"):
        asyncio.run(ask(shelf))


def test_a_model_that_nobody_uses_is_put_away_and_loaded_again(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        async with shelf.lend("second") as host:
            await asyncio.to_thread(asyncio.run, asyncio.sleep(0))
            assert host.engine.alive
        await asyncio.to_thread(host.engine.thread.join, 20)
        assert not host.engine.alive
        async with shelf.lend("second") as again:
            assert again is not host
            assert again.engine.alive

    with filled(stock, "second", keep=0.01) as shelf:
        asyncio.run(ask(shelf))
    assert len(stock.made) == 2


def test_a_model_that_is_lent_stays_however_short_it_is_kept(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        async with shelf.lend("second") as host:
            async with shelf.lend("second"):
                pass
            shelf.leave_unused(shelf.find("second"))
            assert host.engine.alive
            assert shelf.find("second").host is host

    with filled(stock, "second", keep=0) as shelf:
        asyncio.run(ask(shelf))


def test_the_longest_unused_model_makes_room_for_another(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        for name in ("a", "b", "a", "c"):
            async with shelf.lend(name):
                pass
        assert [card.name for card in shelf.cards() if card.loaded] == [shelf.first.model.name, "a", "c"]

    stock.memory = 2
    with filled(stock, "a", "b", "c") as shelf:
        asyncio.run(ask(shelf))


def test_models_in_use_are_not_put_away_for_another(stock: Stock):
    async def ask(shelf: Shelf) -> None:
        async with shelf.lend("a") as host:
            with pytest.raises(OverloadError, match="no memory for b now: 8 MB more.*, a"):
                async with shelf.lend("b"):
                    pass
            assert host.engine.alive

    with filled(stock, "a", "b") as shelf:
        asyncio.run(ask(shelf))


def test_one_model_is_loaded_at_a_time(stock: Stock):
    async def ask(shelf: Shelf, name: str) -> None:
        async with shelf.lend(name):
            pass

    async def ask_all(shelf: Shelf) -> None:
        await asyncio.gather(*(ask(shelf, name) for name in "abcd"))

    stock.memory = 4
    with filled(stock, *"abcd") as shelf:
        asyncio.run(ask_all(shelf))
    assert len(stock.made) == 4
    assert stock.most_loading == 1


def failing(name: str, call: Callable[[], Host]) -> Title:
    return Title(name, 64, lacks=lambda: 0, load=call)


def test_a_failed_load_is_told_without_the_reason_which_the_log_has(stock: Stock, caplog: pytest.LogCaptureFixture):
    def broken() -> Host:
        raise CheckpointError("{path} is not what it claims to be", path="/home/me/broken.gguf")

    async def ask(shelf: Shelf) -> None:
        for _ in range(2):
            with pytest.raises(LoadError, match="broken could not be loaded") as caught:
                async with shelf.lend("broken"):
                    pass
            assert "/home/me" not in str(caught.value)
        async with shelf.lend("second"):
            pass

    first = stock.host()
    asyncio.run(ask(Shelf(first, [failing("broken", broken), stock.title("second")])))
    first.close()
    assert "/home/me/broken.gguf" in caplog.text


def test_loading_goes_on_when_who_asked_for_it_leaves(stock: Stock):
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Host:
        begun.set()
        go_on.wait(20)
        return stock.load()

    async def ask(shelf: Shelf) -> None:
        async def one() -> None:
            async with shelf.lend("slow"):
                pass

        leaving = asyncio.ensure_future(one())
        await asyncio.to_thread(begun.wait, 20)
        leaving.cancel()
        await asyncio.wait([leaving])
        go_on.set()
        async with shelf.lend("slow") as host:
            assert host is stock.made[0]

    first = stock.host()
    asyncio.run(ask(Shelf(first, [failing("slow", slow)])))
    first.close()
    assert len(stock.made) == 1


def test_over_http_a_second_model_answers_under_its_own_name_and_a_broken_one_hurts_nobody(
    tiny_model: unmask.Model, stock: Stock
):
    def broken() -> Host:
        raise CheckpointError("{path} is not what it claims to be", path="/home/me/broken.gguf")

    def second() -> Host:
        host = stock.load()
        host.model.name = "second"
        return host

    others = [failing("second", second), failing("broken", broken)]
    with serving(tiny_model, others=others, keep=0.01) as server:
        listed = [each["id"] for each in server.send("GET", "/v1/models").json["data"]]
        assert listed == [tiny_model.name, "second", "broken"]
        assert server.chat(model="second").json["model"] == "second"
        refused = server.chat(model="broken")
        assert refused.status == 500
        assert refused.error["code"] == "model_not_loaded"
        assert server.chat().status == 200
        until(lambda: not stock.made[0].engine.alive)
        assert server.send("GET", "/health").status == 200
        assert server.chat(model="second").status == 200
