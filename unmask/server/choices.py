"""Several answers of one request, written side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from unmask.server.host import Waiting

if TYPE_CHECKING:
    from unmask.generation.answer import Order, Piece
    from unmask.server.host import Host

AT_ONCE = 16
"""Rows that one request may have in the engine; its others wait here, and take no place in line from anybody."""


async def together(host: Host, orders: Sequence[Order]) -> AsyncGenerator[tuple[int, Piece] | Waiting, None]:
    """The pieces of all orders as they come, each with its order's number; what goes wrong with one ends all.

    Closing this, or cancelling, ends all rows.

    Raises:
        UnmaskError: as `Host.written` does.
    """
    if len(orders) == 1:
        async with aclosing(host.written(orders[0])) as alone:
            async for piece in alone:
                yield piece if isinstance(piece, Waiting) else (0, piece)
        return
    # One place: who does not take what is there, does not get more made.
    outbox: asyncio.Queue[tuple[int, Piece] | Waiting | Exception] = asyncio.Queue(1)
    room = asyncio.Semaphore(AT_ONCE)

    async def write(number: int, order: Order) -> None:
        try:
            async with room, aclosing(host.written(order)) as pieces:
                async for piece in pieces:
                    await outbox.put(piece if isinstance(piece, Waiting) else (number, piece))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is raised where the answer is made
            await outbox.put(error)

    writing = [asyncio.create_task(write(number, order)) for number, order in enumerate(orders)]
    unfinished = len(orders)
    try:
        while unfinished:
            found = await outbox.get()
            if isinstance(found, Exception):
                raise found
            yield found
            unfinished -= not isinstance(found, Waiting) and found[1].finish is not None
    finally:
        for each in writing:
            each.cancel()
        await asyncio.wait(writing)
