"""What an answer follows, as the page calls it."""

from __future__ import annotations

import asyncio
from dataclasses import astuple

from tests.unit.web.talks import exchanged
from unmask.web.answering import Answering
from unmask.web.conversation import Conversation
from unmask.web.desk import Desk
from unmask.web.status import Status


def test_another_answer_at_temperature_0_is_drawn_and_not_the_same_one(desk: Desk, empty: Conversation):
    assert empty.settings.temperature == 0
    talk = exchanged(empty, "猫", "first")
    desk.store.write(talk)

    async def scenario() -> None:
        answering = Answering(desk, Status(desk.host))
        async for _ in answering.again(talk.id, "", *astuple(empty.settings), "en"):
            pass

    asyncio.run(scenario())
    assert desk.store.read(talk.id).settings.temperature == 0.7
