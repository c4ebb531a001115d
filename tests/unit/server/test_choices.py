"""Several rows of one request, on a real host."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

import unmask
from unmask.base.errors import ContextError
from unmask.engine.settings import Settings
from unmask.generation.answer import Order
from unmask.generation.sampling import Sampling
from unmask.server.choices import AT_ONCE, together
from unmask.server.host import Host, Waiting

ORDER = Order((50, 60, 70), Sampling(), limit=6, endless=True)


async def rows(host: Host, orders: list[Order]) -> list[tuple[int, ...]]:
    found: list[list[int]] = [[] for _ in orders]
    async with aclosing(together(host, orders)) as pieces:
        async for each in pieces:
            if not isinstance(each, Waiting) and each[1].id is not None:
                found[each[0]].append(each[1].id)
    return [tuple(ids) for ids in found]


def test_each_row_is_what_it_would_be_alone_and_no_more_are_under_way_than_may(tiny_model: unmask.Model):
    async def scenario() -> None:
        host = Host(tiny_model, settings=Settings(rows=4), room=AT_ONCE - 4)
        prompts = [(50 + number, 60, 70) for number in range(3 * AT_ONCE)]
        orders = [replace(ORDER, prompt=prompt) for prompt in prompts]
        # More at once would find no room.
        several = await rows(host, orders)
        assert several[::5] == [(await rows(host, [order]))[0] for order in orders[::5]]
        assert not host.busy
        host.close()

    asyncio.run(scenario())


def test_what_is_wrong_with_one_row_ends_them_all(tiny_model: unmask.Model):
    async def scenario() -> None:
        host = Host(tiny_model)
        long = replace(ORDER, prompt=(50,) * (tiny_model.context + 1))
        with pytest.raises(ContextError, match="4097"):
            await rows(host, [replace(ORDER, limit=None), long])
        assert not host.busy
        host.close()

    asyncio.run(scenario())


def test_who_leaves_takes_all_rows_along(tiny_model: unmask.Model):
    async def scenario() -> None:
        host = Host(tiny_model)
        async with aclosing(together(host, [replace(ORDER, limit=None)] * 3)) as pieces:
            await anext(pieces)
            assert host.busy
        assert not host.busy
        host.close()

    asyncio.run(scenario())
