"""Conversations on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.web.talks import exchanged, texts
from unmask.base.errors import StorageError
from unmask.web.conversation import Conversation, begun
from unmask.web.store import Store, at_home


def kept(
    store: Store, empty: Conversation, question: str = "What is a cat?", answer: str = "An animal."
) -> Conversation:
    talk = exchanged(begun("", empty.settings), question, answer, tokens=(5, 7), speed=12.5, rating="up")
    store.write(talk)
    return talk


def titles(store: Store, query: str = "") -> list[str]:
    return [entry.title for entry in store.find(query).entries]


def test_what_was_written_is_read_by_another_server(store: Store, empty: Conversation):
    talk = kept(store, empty)
    assert Store(store.folder).read(talk.id) == talk


def test_the_file_is_json_that_says_what_was_said(store: Store, empty: Conversation):
    talk = kept(store, empty, "你好", "您好")
    held = json.loads((store.folder / f"{talk.id}.json").read_text(encoding="utf-8"))
    assert [message["content"] for message in held["messages"]] == ["你好", "您好"]
    assert held["messages"][1]["answer"] == {
        "model": "tiny",
        "tokens": [5, 7],
        "prompt_tokens": 0,
        "speed": 12.5,
        "finish": "stop",
        "rating": "up",
    }


def test_the_latest_comes_first(store: Store, empty: Conversation):
    for number, updated in (("one", "2026-01-01T00:00"), ("three", "2026-03-01T00:00"), ("two", "2026-02-01T00:00")):
        store.write(replace(kept(store, empty, number), updated=updated))
    assert titles(store) == ["three", "two", "one"]


@pytest.mark.parametrize("query", ["cat", "CAT animal", "ｃａｔ", "  ", "animal."])
def test_a_search_finds_every_word_in_title_and_messages_whatever_its_capitals_and_width(
    store: Store, empty: Conversation, query: str
):
    kept(store, empty)
    assert titles(store, query) == ["What is a cat?"]


def test_a_search_leaves_out_what_lacks_a_word(store: Store, empty: Conversation):
    kept(store, empty)
    assert titles(store, "cat dog") == []


def test_chinese_is_found_within_a_sentence(store: Store, empty: Conversation):
    kept(store, empty, "云雾山中的小屋里住着一只猫。", "是的")
    kept(store, empty)
    assert titles(store, "小屋 猫") == ["云雾山中的小屋里住着一只猫。"]


def test_a_change_is_seen_by_the_next_look(store: Store, empty: Conversation):
    talk = kept(store, empty)
    assert titles(store) == ["What is a cat?"]
    store.change(talk.id, lambda now: replace(now, title="Animals"))
    assert titles(store) == ["Animals"]


def test_two_pages_do_not_undo_each_others_changes(store: Store, empty: Conversation):
    talk = kept(store, empty)
    first, second = Store(store.folder), Store(store.folder)
    first.change(talk.id, lambda now: exchanged(now, "first", "1"))
    second.change(talk.id, lambda now: exchanged(now, "second", "2"))
    assert texts(store.read(talk.id))[2:] == ["first", "1", "second", "2"]


BROKEN = {
    "not json": "{",
    "a list": "[]",
    "no messages' tree": '{"id":"ID","title":"","created":"","updated":"","system":"","settings":SETTINGS,"leaf":"x"}',
    "a wrong kind": '{"id":"ID","title":7,"created":"","updated":"","system":"","settings":SETTINGS}',
    "another id": '{"id":"other","title":"","created":"","updated":"","system":"","settings":SETTINGS}',
}
SETTINGS = '{"temperature":0,"top_p":1,"top_k":0,"min_p":0,"repetition_penalty":1,"limit":8}'


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_named_left_alone_and_keeps_no_other_from_being_listed(
    store: Store, empty: Conversation, damage: str
):
    kept(store, empty)
    path = store.folder / "broken.json"
    path.write_text(BROKEN[damage].replace("ID", "broken").replace("SETTINGS", SETTINGS))
    before = path.read_bytes()
    assert store.find().broken == ("broken.json",)
    assert titles(store) == ["What is a cat?"]
    with pytest.raises(StorageError, match="broken.json"):
        store.read("broken")
    with pytest.raises(StorageError, match="broken.json"):
        store.change("broken", lambda now: now)
    assert path.read_bytes() == before


def test_a_file_that_was_mended_is_listed(store: Store, empty: Conversation):
    talk = kept(store, empty)
    path = store.folder / f"{talk.id}.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert store.find().broken == (path.name,)
    path.write_bytes(whole)
    assert titles(store) == ["What is a cat?"]


def test_what_was_deleted_is_gone_and_to_delete_it_again_is_no_error(store: Store, empty: Conversation):
    talk = kept(store, empty)
    store.delete(talk.id)
    store.delete(talk.id)
    assert list(store.folder.iterdir()) == []
    with pytest.raises(StorageError, match=talk.id):
        store.read(talk.id)


@pytest.mark.parametrize("name", ["../preferences", "", "a/b", ".hidden", "A", "x" * 65])
def test_an_id_leads_to_no_other_place(store: Store, name: str):
    with pytest.raises(StorageError, match="no conversation"):
        store.read(name)
    with pytest.raises(StorageError, match="no conversation"):
        store.delete(name)


def test_no_folder_is_no_conversations(store: Store):
    assert store.find().entries == ()


def test_a_folder_that_cannot_be_made_is_said_to_be_so(tmp_path: Path, empty: Conversation):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        Store(tmp_path / "file").write(empty)


def test_the_users_own_are_where_models_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path))
    assert at_home().folder == tmp_path / "conversations"
