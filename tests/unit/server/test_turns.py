"""One conversation computes at a time; the others wait in order; who leaves stops the work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

import openai
import pytest

import unmask
from tests.unit.server.live import QUESTION, Server, serving, until
from unmask import Sampling
from unmask.base.errors import ContextError
from unmask.server.refusals import QueueFullError, StoppingError
from unmask.server.turns import Turns, Waiting


@dataclass
class Steps:
    """How often the model computed, and in which threads."""

    count: int
    threads: set[str]


@contextmanager
def counted(model: unmask.Model) -> Iterator[Steps]:
    steps = Steps(0, set())

    def count(*_: object) -> None:
        steps.count += 1
        steps.threads.add(threading.current_thread().name)

    handle = model.core.register_forward_hook(count)
    yield steps
    handle.remove()


async def drained(turns: Turns) -> None:
    """Wait until the model's thread has done all that it was given."""
    await turns.on_worker(int)


def pieces(turns: Turns, limit: int):
    return aclosing(turns.pieces(QUESTION, sampling=Sampling(), limit=limit))


def test_closing_an_answer_stops_the_model_at_once_and_frees_the_turn(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)
        with counted(tiny_model) as steps:
            async with pieces(turns, limit=4000) as answer:
                for _ in range(3):
                    await anext(answer)
            await drained(turns)
            assert steps.count == 3
            assert not turns.busy

    asyncio.run(scenario())


def test_a_task_cancelled_in_the_middle_of_a_step_leaves_nothing_running(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)

        async def consume() -> None:
            async with pieces(turns, limit=4000) as answer:
                async for _ in answer:
                    pass

        with counted(tiny_model) as steps:
            task = asyncio.create_task(consume())
            while steps.count < 3:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait((task,))
            await drained(turns)
            seen = steps.count
            assert not turns.busy
            async with pieces(turns, limit=2) as answer:
                assert [piece.tokens async for piece in answer] == [1, 2]
            assert steps.count == seen + 2

    asyncio.run(scenario())


def test_conversations_take_turns_in_the_order_they_came(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)
        finished: list[int] = []

        async def consume(number: int) -> int:
            most_before = 0
            async with pieces(turns, limit=4) as answer:
                async for piece in answer:
                    if isinstance(piece, Waiting):
                        most_before = max(most_before, piece.before)
            finished.append(number)
            return most_before

        with counted(tiny_model) as steps:
            assert await asyncio.gather(*(consume(number) for number in range(4))) == [0, 1, 2, 3]
            assert finished == [0, 1, 2, 3]
            assert steps.count == 16
            assert len(steps.threads) == 1

    asyncio.run(scenario())


def test_a_waiting_one_who_leaves_gives_up_its_place(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)
        async with pieces(turns, limit=4) as first:
            await anext(first)
            async with pieces(turns, limit=4) as second:
                assert await anext(second) == Waiting(before=1)
                assert turns.queued == 1
            assert turns.queued == 0
            assert turns.busy
        assert not turns.busy

    asyncio.run(scenario())


def test_a_bad_request_is_refused_before_it_waits(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)
        async with pieces(turns, limit=4) as first:
            await anext(first)
            too_long = [{"role": "user", "content": "x y " * 4096}]
            with pytest.raises(ContextError):
                await anext(turns.pieces(too_long))
            assert turns.queued == 0

    asyncio.run(scenario())


def test_a_full_line_turns_the_next_one_away(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model, room=1)
        async with pieces(turns, limit=4) as first, pieces(turns, limit=4) as second:
            await anext(first)
            await anext(second)
            with pytest.raises(QueueFullError, match="1 requests are waiting"):
                await anext(turns.pieces(QUESTION))

    asyncio.run(scenario())


def test_stopping_ends_who_computes_and_who_waits_and_lets_nobody_in(tiny_model: unmask.Model):
    async def scenario() -> None:
        turns = Turns(tiny_model)
        async with pieces(turns, limit=4) as first, pieces(turns, limit=4) as second:
            await anext(first)
            await anext(second)
            turns.close()
            for each in (first, second, turns.pieces(QUESTION)):
                with pytest.raises(StoppingError):
                    await anext(each)
        assert not turns.busy

    asyncio.run(scenario())


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_the_model(server: Server, stream: bool):
    with counted(server.model) as steps:
        with server.long_answer(stream=stream):
            until(lambda: steps.count > 5)
        until(lambda: not server.health["busy"])
        assert steps.count < 1000


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_while_it_waits_is_forgotten(server: Server, stream: bool):
    with server.long_answer():
        with server.long_answer(stream=stream):
            until(lambda: server.health["queued"] == 1)
        until(lambda: server.health["queued"] == 0)
        assert server.health["busy"]
    until(lambda: not server.health["busy"])


def test_a_client_too_many_is_told_to_come_back(tiny_model: unmask.Model):
    with serving(tiny_model, room=0) as server, server.long_answer():
        with server.completions() as create, pytest.raises(openai.RateLimitError) as caught:
            create()
        assert caught.value.code == "queue_full"
        assert int(caught.value.response.headers["Retry-After"]) > 0


def test_a_waiting_stream_is_kept_alive_by_comments(server: Server):
    with server.long_answer(), server.long_answer() as waiting:
        until(lambda: server.health["queued"] == 1)
        answer = waiting.getresponse()
        assert answer.status == 200
        assert answer.readline() == b": keep-alive\n"


def test_an_answer_that_was_cut_goes_on(tiny_model: unmask.Model):
    cut = [*QUESTION, {"role": "assistant", "content": "云雾"}]

    async def scenario() -> str:
        async with aclosing(Turns(tiny_model).pieces(cut, sampling=Sampling(), limit=4, resume=True)) as answer:
            return "".join([piece.text async for piece in answer])

    assert asyncio.run(scenario()) == "".join(
        piece.text for piece in tiny_model.stream(cut, sampling=Sampling(), limit=4, resume=True)
    )
