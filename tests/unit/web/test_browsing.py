"""Opening, renaming, judging, deleting."""

from __future__ import annotations

import asyncio
import json

import gradio
import pytest

from tests.unit.web.talks import exchanged, replied, texts
from unmask.web.browsing import Browsing
from unmask.web.conversation import Conversation
from unmask.web.desk import Desk
from unmask.web.history import OTHER
from unmask.web.status import Status


@pytest.fixture
def browsing(desk: Desk) -> Browsing:
    return Browsing(desk, Status(desk.host))


@pytest.fixture
def talk(desk: Desk, empty: Conversation) -> Conversation:
    """Two answers to one question, the second shown."""
    one = exchanged(empty, "Who?", "me")
    both = one.plus(replied(one.path()[0], "Nobody."))
    desk.store.write(both)
    return both


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the visitor is warned of."""
    found: list[str] = []
    monkeypatch.setattr("gradio.Warning", lambda text, **_: found.append(text))
    return found


def liked(at: int, liked: bool | str) -> gradio.LikeData:
    return gradio.LikeData(None, {"index": at, "value": "", "liked": liked})


def chosen(value: str) -> gradio.SelectData:
    return gradio.SelectData(None, {"index": 0, "value": value})


def test_a_conversation_opens_with_its_own_settings(browsing: Browsing, talk: Conversation):
    opened, _, chat, line, _, system, *knobs = browsing.open(talk.id, "en")
    assert opened == talk.id
    assert [each["content"][0]["text"] for each in chat["value"]] == ["Who?", "Nobody."]
    assert "context 0 of 4096" in line
    assert (system, knobs) == ("", [0, 1, 0, 0, 1, 8, None])


def test_what_is_gone_opens_as_a_new_conversation_and_the_visitor_is_told(browsing: Browsing, told: list[str]):
    opened, _, chat, *_ = browsing.open("20260101-gone", "zh")
    assert (opened, chat["value"]) == ("", [])
    assert "20260101-gone" in told[0]
    assert "没有" in told[0]


def test_the_list_has_titles_and_marks_the_one_that_is_open(browsing: Browsing, talk: Conversation):
    found, notice, this, title, export = browsing.listed(talk.id, "", "en")
    assert (found["choices"], found["value"]) == ([("Who?", talk.id)], talk.id)
    assert (notice["value"], this["visible"], title) == ("", True, "Who?")
    assert f'href="/conversations/{talk.id}.json"' in export


def test_the_list_says_what_it_does_not_show(browsing: Browsing, desk: Desk, talk: Conversation):
    (desk.store.folder / "broken.json").write_text("{")
    _, notice, *_ = browsing.listed("", "no such words", "en")
    assert "Nothing found." in notice["value"]
    assert "`broken.json`" in notice["value"]


def test_a_new_title_is_kept_and_an_empty_one_is_not(browsing: Browsing, desk: Desk, talk: Conversation):
    browsing.rename(" A  new\ntitle ", talk.id, "en")
    browsing.rename("  ", talk.id, "en")
    assert desk.store.read(talk.id).title == "A new title"


def test_the_next_of_several_answers_is_shown_and_after_the_last_the_first(
    browsing: Browsing, desk: Desk, talk: Conversation
):
    browsing.other(chosen(OTHER), talk.id, "en")
    assert texts(desk.store.read(talk.id)) == ["Who?", "me"]
    browsing.other(chosen(OTHER), talk.id, "en")
    assert texts(desk.store.read(talk.id)) == ["Who?", "Nobody."]
    browsing.other(chosen("look"), talk.id, "en")
    assert texts(desk.store.read(talk.id)) == ["Who?", "Nobody."]


def test_a_thumb_is_kept_in_the_conversation_and_as_data(browsing: Browsing, desk: Desk, talk: Conversation):
    chat = browsing.judge(liked(1, False), talk.id, "en")
    assert chat["feedback_value"] == ["Dislike"]
    assert desk.store.read(talk.id).path()[1].answer.rating == "down"
    browsing.other(chosen(OTHER), talk.id, "en")
    browsing.judge(liked(1, True), talk.id, "en")
    (line,) = desk.preferences.path.read_text(encoding="utf-8").splitlines()
    assert {key: json.loads(line)[key] for key in ("chosen", "rejected")} == {"chosen": "me", "rejected": "Nobody."}


def test_a_thumb_can_be_taken_back(browsing: Browsing, desk: Desk, talk: Conversation):
    browsing.judge(liked(1, True), talk.id, "en")
    assert browsing.judge(liked(1, ""), talk.id, "en")["feedback_value"] == [None]
    assert desk.preferences.path.read_bytes() == b""


def test_a_thumb_for_what_is_gone_is_told(browsing: Browsing, told: list[str]):
    assert browsing.judge(liked(1, True), "gone", "en") == {"__type__": "update"}
    assert "gone" in told[0]


def test_what_is_deleted_is_gone_and_a_new_conversation_begins(browsing: Browsing, desk: Desk, talk: Conversation):
    opened, *_ = asyncio.run(browsing.delete(talk.id, talk.id, "en"))
    assert opened == ""
    assert desk.store.find().entries == ()


def test_another_conversation_opens_after_the_last_word_of_the_answer_in_this_one(
    browsing: Browsing, desk: Desk, talk: Conversation
):
    async def scenario() -> bool:
        with desk.writing("this") as stop:
            leaving = asyncio.ensure_future(browsing.leave(talk.id, "this", "en"))
            await asyncio.wait((leaving,), timeout=0.05)
            early = leaving.done()
            assert stop.is_set()
        opened, *_ = await leaving
        assert opened == talk.id
        return early

    assert not asyncio.run(scenario())


class Visit:
    """As much of a request as is looked at."""

    def __init__(self, **named: str) -> None:
        self.query_params = named


def test_an_address_that_names_a_conversation_opens_it(browsing: Browsing, talk: Conversation):
    opened, *_ = browsing.arrive("en", Visit(conversation=talk.id))  # type: ignore[arg-type]
    assert opened == talk.id


def test_an_address_that_names_none_leaves_what_a_quick_visitor_began(browsing: Browsing):
    opened, box, chat, status, panel, *settings = browsing.arrive("en", Visit())  # type: ignore[arg-type]
    assert all(each == gradio.skip() for each in (opened, box, chat, panel, *settings))
    assert "context 0 of 4096" in status
    assert len(settings) == len(browsing.open("", "en")) - 5
