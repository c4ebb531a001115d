"""What the export links lead to."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.unit.web.talks import exchanged
from unmask.web.conversation import Conversation
from unmask.web.downloads import add_routes
from unmask.web.export import as_markdown
from unmask.web.store import Store


@pytest.fixture
def client(store: Store) -> TestClient:
    app = FastAPI()
    add_routes(app, store)
    return TestClient(app)


def test_one_conversation_is_the_file_that_is_kept(client: TestClient, store: Store, empty: Conversation):
    store.write(talk := exchanged(empty, "谁？", "me"))
    answer = client.get(f"/conversations/{talk.id}.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{talk.id}.json"'
    assert answer.content == (store.folder / f"{talk.id}.json").read_bytes()


def test_markdown_is_in_the_language_that_the_link_names(client: TestClient, store: Store, empty: Conversation):
    store.write(talk := exchanged(empty, "Who?", "me"))
    assert client.get(f"/conversations/{talk.id}.md?tongue=zh").text == as_markdown(talk, "zh")
    assert client.get(f"/conversations/{talk.id}.md").text == as_markdown(talk, "en")


def test_all_leave_out_only_what_cannot_be_read(client: TestClient, store: Store, empty: Conversation):
    store.write(talk := exchanged(empty, "Who?", "me"))
    (store.folder / "broken.json").write_text("{")
    assert [each["id"] for each in json.loads(client.get("/conversations.json").content)] == [talk.id]
    assert client.get("/conversations.md").text == as_markdown(talk, "en")


@pytest.mark.parametrize("name", ["nowhere.json", "nowhere.md", "..%2Fpreferences.json"])
def test_there_is_nothing_else_to_be_had(client: TestClient, name: str):
    assert client.get(f"/conversations/{name}").status_code == 404
