"""An answer being written: kept on disk, stopped, gone on with, taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

import unmask
from tests.unit.web.talks import texts
from unmask.base.errors import ContextError
from unmask.web.conversation import Conversation, Message, answered, asked
from unmask.web.desk import Desk
from unmask.web.talk import answer, keep, take_back, until


def begun(desk: Desk, empty: Conversation, question: str = "猫", limit: int = 8) -> tuple[Conversation, Message]:
    """A question on disk, and the answer that is to be written."""
    said = asked(question, after=empty.leaf)
    draft = answered(desk.host.model.name, after=said.id)
    talk = replace(empty, settings=replace(empty.settings, limit=limit)).plus(said).plus(draft)
    desk.store.write(talk)
    return talk, draft


def written(desk: Desk, talk: Conversation, draft: Message) -> list[Message]:
    async def scenario() -> list[Message]:
        return [each async for each in answer(desk, talk, draft, asyncio.Event(), "en")]

    return asyncio.run(scenario())


def test_the_answer_is_the_models_own_and_all_is_known_of_it(desk: Desk, empty: Conversation, tiny_model: unmask.Model):
    talk, draft = begun(desk, empty)
    alone = tiny_model.chat(talk.read(draft.parent), sampling=talk.settings.sampling(), limit=8)
    last = written(desk, talk, draft)[-1]
    assert last.content == alone.text
    assert last.answer.tokens == alone.tokens
    assert last.answer.prompt_tokens == alone.prompt_tokens
    assert last.answer.finish == alone.finish == "length"
    assert last.answer.speed > 0
    assert desk.store.read(talk.id).path()[-1] == last


def test_an_answer_that_was_cut_goes_on_where_it_was(desk: Desk, empty: Conversation, tiny_model: unmask.Model):
    talk, draft = begun(desk, empty)
    cut = written(desk, talk, draft)[-1]
    talk = desk.store.read(talk.id)
    rest = "".join(
        piece.text
        for piece in tiny_model.stream(talk.read(talk.leaf), sampling=talk.settings.sampling(), limit=8, resume=True)
    )
    longer = written(desk, talk, cut)[-1]
    assert longer.content == cut.content + rest
    assert len(longer.answer.tokens) == 16
    assert longer.answer.prompt_tokens == cut.answer.prompt_tokens
    assert texts(desk.store.read(talk.id)) == ["猫", longer.content]


def test_what_was_said_stays_when_the_visitor_stops_it(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty, limit=4000)

    async def scenario() -> Message:
        with desk.writing(talk.id) as stop:
            async with aclosing(answer(desk, talk, draft, stop, "en")) as drafts:
                async for last in drafts:
                    if last.content:
                        desk.stop(talk.id)
        return last

    last = asyncio.run(scenario())
    assert last.answer.finish == "stopped"
    assert desk.store.read(talk.id).path()[-1] == last


def test_what_was_said_stays_when_the_visitor_leaves(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty, limit=4000)

    async def scenario() -> Message:
        async with aclosing(answer(desk, talk, draft, asyncio.Event(), "en")) as drafts:
            return await anext(drafts)

    last = asyncio.run(scenario())
    assert desk.store.read(talk.id).path()[-1] == last


def test_a_waiting_visitor_can_stop_at_once(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty)

    async def scenario() -> Message | None:
        hello = [{"role": "user", "content": "hello"}]
        async with aclosing(desk.host.pieces(hello, limit=4000)) as before:  # somebody else is being written to
            await anext(before)
            return await stopped()

    async def stopped() -> Message | None:
        with desk.writing(talk.id) as stop:
            waiting = asyncio.ensure_future(anext(answer(desk, talk, draft, stop, "en"), None))
            while desk.host.queued == 0:
                await asyncio.sleep(0)
            desk.stop(talk.id)
            return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(scenario()) is None


def test_an_answer_judged_while_it_is_written_keeps_its_thumb(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty)
    desk.store.change(talk.id, lambda now: now.holding(replace(draft, answer=replace(draft.answer, rating="up"))))
    keep(desk, talk.id, replace(draft, content="more"))
    kept = desk.store.read(talk.id).path()[-1]
    assert (kept.content, kept.answer.rating) == ("more", "up")


def test_a_conversation_that_was_deleted_does_not_come_back(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty)
    desk.store.delete(talk.id)
    keep(desk, talk.id, replace(draft, content="more"))
    take_back(desk, empty, talk)
    assert desk.store.find().entries == ()


def test_what_got_no_answer_is_taken_back(desk: Desk, empty: Conversation):
    talk, draft = begun(desk, empty, question="cat " * 9000)
    with pytest.raises(ContextError, match="4096"):
        written(desk, talk, draft)
    take_back(desk, empty, talk)
    assert desk.store.find().entries == ()


def test_only_the_last_step_of_several_is_taken_back(desk: Desk, empty: Conversation):
    before, draft = begun(desk, empty)
    written(desk, before, draft)
    before = desk.store.read(before.id)
    after, _ = begun(desk, before)
    take_back(desk, before, after)
    assert desk.store.read(before.id).messages == before.messages


def test_steps_pass_through_to_their_end_or_to_the_stop():
    async def scenario(stops_at: int) -> tuple[list[int], bool]:
        stop, closed = asyncio.Event(), False

        async def steps() -> AsyncGenerator[int, None]:
            nonlocal closed
            try:
                for number in range(1, 4):
                    yield number
                await asyncio.sleep(60 if stops_at else 0)
            finally:
                closed = True

        found = []
        async with aclosing(steps()) as source, aclosing(until(stop, source)) as passed:
            async for number in passed:
                found.append(number)
                if number == stops_at:
                    asyncio.get_running_loop().call_soon(stop.set)
        return found, closed

    assert asyncio.run(scenario(0)) == ([1, 2, 3], True)
    assert asyncio.run(scenario(3)) == ([1, 2, 3], True)
