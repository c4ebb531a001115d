"""From a deed of the visitor to what changes on the page."""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import Any

import pytest

from tests.unit.web.talks import exchanged, texts
from unmask.web import replies
from unmask.web.conversation import Conversation
from unmask.web.desk import Desk
from unmask.web.replies import Step, reply
from unmask.web.status import Status

MODEL = "tiny"


def updates(desk: Desk, opened: str, step: Step, empty: Conversation, typed: str = "") -> list[list[Any]]:
    """Of the message box, the chat, the status and the id."""

    async def scenario() -> list[list[Any]]:
        settings = (" Be brief. ", *astuple(empty.settings), "en")
        status = Status(desk.host)
        return [each async for each in reply(desk, status, opened, settings, step, typed=typed)]

    return asyncio.run(scenario())


def test_a_first_message_opens_a_conversation_that_is_on_disk(desk: Desk, empty: Conversation):
    first, *_, last = updates(desk, "", replies.speak_next("猫", MODEL), empty, typed="猫")
    (entry,) = desk.store.find().entries
    talk = desk.store.read(entry.id)
    assert first[0] == {"value": "", "submit_btn": False, "stop_btn": True, "__type__": "update"}
    assert first[3] == talk.id
    assert last[0] == {"submit_btn": True, "stop_btn": False, "__type__": "update"}
    assert [each["content"][0]["text"] for each in last[1]["value"]] == texts(talk)
    assert (talk.system, talk.settings) == ("Be brief.", empty.settings)


def test_another_answer_leaves_the_first_in_the_file(desk: Desk, empty: Conversation):
    talk = exchanged(empty, "猫", "first")
    desk.store.write(talk)
    updates(desk, talk.id, replies.again(MODEL), empty)
    kept = desk.store.read(talk.id)
    assert [message.content for message in kept.branches(kept.path()[-1])] == ["first", texts(kept)[-1]]


def test_ones_own_words_are_replaced_and_answered_anew(desk: Desk, empty: Conversation):
    talk = exchanged(exchanged(empty, "猫", "1"), "云", "2")
    desk.store.write(talk)
    updates(desk, talk.id, replies.reword("雾", MODEL, at=0), empty)
    kept = desk.store.read(talk.id)
    assert texts(kept)[0] == "雾"
    assert len(kept.path()) == 2
    assert {"猫", "1", "云", "2"} <= {message.content for message in kept.messages}


def test_an_answer_goes_on_in_its_place(desk: Desk, empty: Conversation):
    talk = exchanged(empty, "猫", "云雾", finish="stopped")
    desk.store.write(talk)
    updates(desk, talk.id, replies.resume, empty)
    kept = desk.store.read(talk.id)
    assert len(kept.messages) == 2
    assert texts(kept)[-1].startswith("云雾")
    assert len(texts(kept)[-1]) > 2


def test_what_was_typed_comes_back_when_there_is_no_answer_and_nothing_is_kept(
    desk: Desk, empty: Conversation, monkeypatch: pytest.MonkeyPatch
):
    told: list[str] = []
    monkeypatch.setattr("gradio.Warning", lambda text, **_: told.append(text))
    long = "cat " * 9000
    *_, last = updates(desk, "", replies.speak_next(long, MODEL), empty, typed=long)
    assert last[0] == {"value": long, "submit_btn": True, "stop_btn": False, "__type__": "update"}
    assert last[1]["value"] == []
    assert last[3] == ""
    assert desk.store.find().entries == ()
    assert "4096" in told[0]


def test_a_second_message_does_not_break_into_an_answer(
    desk: Desk, empty: Conversation, monkeypatch: pytest.MonkeyPatch
):
    told: list[str] = []
    monkeypatch.setattr("gradio.Warning", lambda text, **_: told.append(text))
    talk = exchanged(empty, "猫", "1")
    desk.store.write(talk)
    with desk.writing(talk.id):
        (only,) = updates(desk, talk.id, replies.speak_next("云", MODEL), empty)
    assert only == [{"__type__": "update"}] * 4
    assert desk.store.read(talk.id) == talk
    assert "stop it first" in told[0]
