"""Thumbs as data to learn from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.web.talks import exchanged, replied
from unmask.base.errors import StorageError
from unmask.web.conversation import Conversation, Message
from unmask.web.preferences import Preferences, at_home

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}]


@pytest.fixture
def file(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "preferences.jsonl")


@pytest.fixture
def talk(empty: Conversation) -> Conversation:
    """Two answers to one question."""
    one = exchanged(replace(empty, system="Be brief."), "Who?", "me")
    return one.plus(replied(one.path()[0], "Nobody."))


def lines(file: Preferences) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.path.read_text(encoding="utf-8").splitlines()]


def judge(file: Preferences, talk: Conversation, answer: Message, rating: str | None) -> Conversation:
    """As a click on a thumb does."""
    known = next(each for each in talk.messages if each.id == answer.id)
    rated = replace(known, answer=replace(known.answer, rating=rating))
    talk = talk.holding(rated)
    file.note(talk, rated)
    return talk


def test_one_judged_alone_is_a_line_with_its_rating(file: Preferences, talk: Conversation):
    _, first, _ = talk.messages
    judge(file, talk, first, "down")
    (line,) = lines(file)
    assert line.pop("time")
    assert line == {
        "prompt": QUESTION,
        "answer": "me",
        "rating": "down",
        "model": "tiny",
        "conversation": talk.id,
        "message": first.parent,
    }


def test_two_judged_apart_are_a_pair(file: Preferences, talk: Conversation):
    _, first, second = talk.messages
    judge(file, judge(file, talk, first, "down"), second, "up")
    (line,) = lines(file)
    assert (line["prompt"], line["chosen"], line["rejected"]) == (QUESTION, "Nobody.", "me")


def test_two_judged_alike_are_no_pair(file: Preferences, talk: Conversation):
    _, first, second = talk.messages
    judge(file, judge(file, talk, first, "up"), second, "up")
    assert [(line["answer"], line["rating"]) for line in lines(file)] == [("me", "up"), ("Nobody.", "up")]


def test_a_changed_mind_replaces_what_was_noted(file: Preferences, talk: Conversation):
    _, first, second = talk.messages
    talk = judge(file, judge(file, talk, first, "down"), second, "up")
    talk = judge(file, judge(file, talk, first, "up"), second, "down")
    (line,) = lines(file)
    assert (line["chosen"], line["rejected"]) == ("me", "Nobody.")
    judge(file, judge(file, talk, first, None), second, None)
    assert lines(file) == []


def test_lines_about_others_and_lines_of_others_stay_as_they_are(file: Preferences, talk: Conversation):
    others = [b'{"prompt": "not ours"}', b"not json", b"[1]", b"\xff"]
    file.path.write_bytes(b"\n".join(others))
    longer = exchanged(talk, "And you?", "我也是")
    judge(file, longer, talk.messages[1], "up")
    judge(file, longer, longer.messages[-1], "down")
    judge(file, longer, talk.messages[1], "down")
    held = file.path.read_bytes().splitlines()
    assert held[:4] == others
    assert [json.loads(line)["answer"] for line in held[4:]] == ["我也是", "me"]


def test_a_place_that_cannot_be_written_is_said_to_be_so(tmp_path: Path, talk: Conversation):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        judge(Preferences(tmp_path / "file" / "preferences.jsonl"), talk, talk.messages[1], "up")


def test_the_users_own_are_beside_the_conversations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path))
    assert at_home().path == tmp_path / "preferences.jsonl"
