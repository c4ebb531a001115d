"""The chat page as its browser asks for it: alone on this machine, in the API's line, stopped when it leaves."""

from __future__ import annotations

import json
import re
import urllib.error

import pytest

from tests.e2e.served import Served, until

GREEDY = ["", 0, 1, 0, 0, 1, 24, None, "en"]
"""System prompt, temperature, top-p, top-k, min-p, repetition penalty, length, seed, language."""
STORY = ["", 0.2, 0.9, 0, 0, 1.1, 4000, None, "en"]


def states(served: Served, message: str, opened: str = "") -> list[list[object]]:
    """Of the message box, the chat, the status line and the conversation's id, one after the other."""
    call = json.loads(served.read("/gradio_api/call/chat", {"data": [message, opened, *GREEDY]}))
    events = served.read(f"/gradio_api/call/chat/{call['event_id']}").strip().split("\n\n")
    assert events[-1].startswith("event: complete"), events[-1]
    return [json.loads(event.split("\n")[1].removeprefix("data: ")) for event in events]


def changes(value: object) -> bool:
    return not (isinstance(value, dict) and "__type__" in value and "value" not in value)


def ask(served: Served, message: str, *, opened: str = "") -> list[object]:
    """What each of them is in the end, as the last update that changed it left it; None where none did."""
    return [[None, *filter(changes, column)][-1] for column in zip(*states(served, message, opened), strict=True)]


def said(chat: dict[str, list[dict[str, object]]]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"][0]["text"]) for message in chat["value"]]


def endless(served: Served, session: str) -> None:
    """Ask, as the page does, for a story that would go on for thousands of tokens."""
    config = json.loads(served.read("/config"))
    (number,) = [each["id"] for each in config["dependencies"] if each["api_name"] == "chat"]
    data = ["Write a very long story about a ship.", "", *STORY]
    served.read("/gradio_api/queue/join", {"data": data, "fn_index": number, "session_hash": session})


def test_the_page_shows_the_models_name(served: Served) -> None:
    html = served.read("/")
    assert "<title>" in html or '"title":"unmask"' in html.replace(" ", "")
    assert "smollm2:135m" in html


def test_the_page_loads_nothing_from_elsewhere(served: Served) -> None:
    html = served.read("/")
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"", html)
    assert loaded
    for address in [*loaded, *json.loads(served.read("/config"))["stylesheets"]]:
        assert not re.match(r"(https?:)?//", address), address
    for style in [served.read("/theme.css"), *(served.read(each) for each in local_styles(loaded))]:
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style)


def local_styles(addresses: list[str]) -> list[str]:
    return ["/" + address.removeprefix("./").lstrip("/") for address in addresses if address.endswith(".css")]


def test_the_page_answers_and_the_answer_is_on_disk(served: Served) -> None:
    _, chat, status, opened = ask(served, "What is the capital of France?")
    (asked, answered) = said(chat)
    assert asked == ("user", "What is the capital of France?")
    assert answered[0] == "assistant"
    assert "Paris" in answered[1]
    assert "context" in status
    kept = json.loads((served.home / "conversations" / f"{opened}.json").read_text(encoding="utf-8"))
    assert [(message["role"], message["content"]) for message in kept["messages"]] == [asked, answered]
    assert json.loads(served.read(f"/conversations/{opened}.json")) == kept


def test_a_second_question_knows_of_the_first(served: Served) -> None:
    *_, opened = ask(served, "What is the capital of France?")
    _, chat, _, same = ask(served, "And of Italy?", opened=opened)
    assert same == opened
    assert [role for role, _ in said(chat)] == ["user", "assistant"] * 2
    assert "Rome" in said(chat)[-1][1]


def test_what_was_typed_comes_back_when_there_is_no_answer_and_nothing_is_kept(served: Served) -> None:
    before = served.read("/conversations.json")
    long = "sea " * 9000
    box, chat, _, opened = ask(served, long)
    assert box["value"] == long
    assert (chat["value"], opened) == ([], "")
    assert served.read("/conversations.json") == before


def test_an_empty_message_asks_nothing(served: Served) -> None:
    assert not any(changes(value) for state in states(served, "  ") for value in state)


def test_a_text_of_ones_own_is_looked_into(served: Served) -> None:
    call = json.loads(served.read("/gradio_api/call/look", {"data": ["tokens", "The cat sat.", "", "en"]}))
    events = served.read(f"/gradio_api/call/look/{call['event_id']}")
    assert "event: complete" in events
    assert "<iframe title=" in events
    assert "smollm2:135m" in events


def test_a_visitor_who_leaves_stops_the_model(served: Served) -> None:
    endless(served, "leaver")
    with served.open("/gradio_api/queue/data?session_hash=leaver") as events:
        until(lambda: b"process_generating" in events.readline())
        assert served.health["busy"]
    until(lambda: not served.health["busy"])


def test_what_was_said_to_a_visitor_who_left_is_kept(served: Served) -> None:
    known = {each["id"] for each in json.loads(served.read("/conversations.json"))}
    endless(served, "quitter")
    with served.open("/gradio_api/queue/data?session_hash=quitter") as events:
        until(lambda: b"tokens written" in events.readline())
    until(lambda: not served.health["busy"])
    (kept,) = [each for each in json.loads(served.read("/conversations.json")) if each["id"] not in known]
    answer = kept["messages"][1]
    assert answer["content"]
    assert answer["answer"]["finish"] == "stopped"
    assert len(answer["answer"]["tokens"]) > 0


def test_page_and_api_are_answered_at_the_same_time(served: Served) -> None:
    endless(served, "first")
    with served.open("/gradio_api/queue/data?session_hash=first") as events:
        until(lambda: b"process_generating" in events.readline())
        request = {"model": "smollm2:135m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        with served.open("/v1/chat/completions", request | {"max_tokens": 4}) as answer:
            assert b"data: [DONE]" in answer.read()
        assert served.health["busy"]  # the page's answer goes on


def test_unknown_api_paths_do_not_fall_through_to_the_page(served: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        served.open("/v1/nowhere")
    with caught.value as answer:
        assert json.load(answer)["error"]["code"] == "not_found"


def test_the_server_called_no_other_machine(served: Served) -> None:
    ask(served, "Hi")
    assert "OUTSIDE" not in served.log.read_text()
