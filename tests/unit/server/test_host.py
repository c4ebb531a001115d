"""Whoever asks gets what is written as it comes; who leaves stops the work; too many are turned away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, aclosing

import openai
import pytest

import unmask
from tests.unit.server.live import QUESTION, Server, serving, until
from unmask import Sampling
from unmask.base.errors import ContextError
from unmask.engine.settings import Settings
from unmask.generation.answer import Piece
from unmask.server.host import Host, Waiting
from unmask.server.limits import Limits
from unmask.server.refusals import QueueFullError, StoppingError


async def idle(host: Host) -> None:
    """Wait until the model's thread has let go of every row."""
    while (stats := host.engine.stats()).running or stats.waiting or host.engine.seats:
        await asyncio.sleep(0.005)


def pieces(host: Host, limit: int):
    return aclosing(host.pieces(QUESTION, sampling=Sampling(), limit=limit))


@pytest.fixture
def host(tiny_model: unmask.Model) -> Iterator[Host]:
    """One row at a time, so that the next one waits."""
    made = Host(tiny_model, settings=Settings(rows=1, budget=64), pulse=0.05)
    yield made
    made.close()


def test_closing_an_answer_stops_the_model_within_a_step_and_frees_the_blocks(host: Host):
    async def scenario() -> None:
        async with pieces(host, limit=4000) as answer:
            for _ in range(3):
                await anext(answer)
        await idle(host)
        stats = host.engine.stats()
        assert stats.written_tokens < 4000
        assert stats.blocks_used == 0
        assert stats.aborted == 1
        assert not host.busy

    asyncio.run(scenario())


def test_a_task_cancelled_at_any_moment_leaves_nothing_running(host: Host):
    async def consume() -> None:
        async with pieces(host, limit=4000) as answer:
            async for _ in answer:
                pass

    async def scenario() -> None:
        for turns in range(12):
            task = asyncio.create_task(consume())
            for _ in range(turns):
                await asyncio.sleep(0.002)
            task.cancel()
            await asyncio.wait((task,))
            assert not host.busy
        await idle(host)
        assert host.engine.stats().blocks_used == 0
        async with pieces(host, limit=2) as answer:
            assert [piece.tokens async for piece in answer if isinstance(piece, Piece)] == [1, 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_cancellation_that_comes_together_with_a_piece_is_not_lost(host: Host, turns: int):
    async def scenario() -> None:
        outbox: asyncio.Queue[object] = asyncio.Queue()

        async def listen() -> None:
            async for _ in host.delivered(outbox):
                pass

        listening = asyncio.create_task(listen())
        for _ in range(3):
            await asyncio.sleep(0)
        outbox.put_nowait("a piece")
        for _ in range(turns):
            await asyncio.sleep(0)
        listening.cancel()
        done, _ = await asyncio.wait((listening,), timeout=5)
        assert listening in done
        assert listening.cancelled()

    asyncio.run(scenario())


def test_several_are_written_at_once_and_each_as_alone(tiny_model: unmask.Model):
    questions = [[{"role": "user", "content": text}] for text in ("one", "two two", "云雾", "four")]
    alone = [tiny_model.chat(question, sampling=Sampling(), limit=12).text for question in questions]
    host = Host(tiny_model)
    most = 0

    async def ask(question: list[dict[str, str]]) -> str:
        nonlocal most
        text = ""
        async with aclosing(host.pieces(question, sampling=Sampling(), limit=12)) as answer:
            async for piece in answer:
                assert isinstance(piece, Piece)
                text += piece.text
                most = max(most, host.engine.stats().running)
        return text

    async def scenario() -> list[str]:
        return await asyncio.gather(*map(ask, questions))

    assert asyncio.run(scenario()) == alone
    assert most > 1
    host.close()


def test_who_waits_hears_how_many_come_first_and_gives_up_its_place_by_leaving(host: Host):
    async def scenario() -> None:
        async with pieces(host, limit=4000) as first:
            await anext(first)
            async with pieces(host, limit=4) as second:
                assert await anext(second) == Waiting(before=1)
                assert await anext(second) == Waiting(before=1)
                assert host.queued == 1
            assert host.queued == 0
            assert host.busy
        assert not host.busy

    asyncio.run(scenario())


def test_a_bad_request_is_refused_before_it_waits(host: Host):
    async def scenario() -> None:
        async with pieces(host, limit=4000) as first:
            await anext(first)
            too_long = [{"role": "user", "content": "x y " * 4096}]
            with pytest.raises(ContextError):
                await anext(host.pieces(too_long))
            assert host.queued == 0

    asyncio.run(scenario())


def test_a_full_line_turns_the_next_one_away(tiny_model: unmask.Model):
    host = Host(tiny_model, settings=Settings(rows=1, budget=64), room=1)

    async def scenario() -> None:
        async with pieces(host, limit=4000) as first, pieces(host, limit=4) as second:
            await anext(first)
            await anext(second)
            with pytest.raises(QueueFullError, match="1 requests are waiting"):
                await anext(host.pieces(QUESTION))

    asyncio.run(scenario())
    host.close()


def test_stopping_ends_who_is_written_to_and_who_waits_and_lets_nobody_in(host: Host):
    async def scenario() -> None:
        async with pieces(host, limit=4000) as first, pieces(host, limit=4) as second:
            await anext(first)
            await anext(second)
            host.close()
            for each in (first, second, host.pieces(QUESTION)):
                with pytest.raises(StoppingError):
                    async for _ in each:
                        pass
        assert not host.busy

    asyncio.run(scenario())


def test_other_work_is_done_a_step_at_a_time_and_closed_when_its_asker_leaves(host: Host):
    closed = threading.Event()
    threads: set[str] = set()

    def work() -> Generator[int, None, None]:
        try:
            for number in range(1000):
                threads.add(threading.current_thread().name)
                yield number
        finally:
            closed.set()

    async def scenario() -> None:
        async with aclosing(host.steps(work)) as steps:
            assert [await anext(steps) for _ in range(3)] == [0, 1, 2]
        await asyncio.to_thread(closed.wait, 20)
        assert closed.is_set()
        assert threads == {"model"}

    asyncio.run(scenario())


def test_work_that_fails_says_so_to_its_asker_alone(host: Host):
    def work() -> Generator[int, None, None]:
        yield 1
        raise ContextError("too long")

    async def scenario() -> None:
        async with pieces(host, limit=30) as answer, aclosing(host.steps(work)) as steps:
            assert await anext(steps) == 1
            with pytest.raises(ContextError):
                await anext(steps)
            # On a busy machine there may be signs of waiting among them.
            assert len([piece async for piece in answer if isinstance(piece, Piece)]) == 30

    asyncio.run(scenario())


def engine(server: Server) -> dict[str, int]:
    return server.send("GET", "/engine/stats").json["models"][0]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_the_model(server: Server, stream: bool):
    with server.long_answer(stream=stream):
        pass
    until(lambda: not server.health["busy"])
    until(lambda: engine(server)["running"] == 0)
    assert engine(server)["blocks_used"] == 0


def test_a_client_too_many_is_told_to_come_back(tiny_model: unmask.Model):
    one = Settings(rows=1, budget=64)
    with serving(tiny_model, limits=Limits(queued=1), settings=one) as server, ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(server.long_answer())
        until(lambda: server.health["queued"] == 1)
        create = clients.enter_context(server.completions())
        with pytest.raises(openai.RateLimitError) as caught:
            create()
    assert caught.value.code == "queue_full"
    assert int(caught.value.response.headers["Retry-After"]) > 0


def test_an_answer_that_was_cut_goes_on(tiny_model: unmask.Model, host: Host):
    cut = [*QUESTION, {"role": "assistant", "content": "云雾"}]

    async def scenario() -> str:
        async with aclosing(host.pieces(cut, sampling=Sampling(), limit=4, resume=True)) as answer:
            return "".join([piece.text async for piece in answer if isinstance(piece, Piece)])

    assert asyncio.run(scenario()) == "".join(
        piece.text for piece in tiny_model.stream(cut, sampling=Sampling(), limit=4, resume=True)
    )
