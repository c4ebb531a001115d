"""The chat page as its browser asks for it: alone on this machine, in the API's line, stopped when it leaves."""

from __future__ import annotations

import json
import re
import urllib.error

import pytest

from tests.e2e.served import Served, until

GREEDY = ["", 0, 1, 24, "en"]
"""System prompt, temperature, top-p, length, language."""


def ask(served: Served, message: str, settings: list[object]) -> list[object]:
    """The last state of the message box and of the chat after this message."""
    call = json.loads(served.read("/gradio_api/call/chat", {"data": [message, [], *settings]}))
    *_, last = served.read(f"/gradio_api/call/chat/{call['event_id']}").strip().split("\n\n")
    event, data = last.split("\n")
    assert event == "event: complete", last
    return json.loads(data.removeprefix("data: "))


def said(chat: list[dict[str, object]]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"][0]["text"]) for message in chat]


def endless(served: Served, session: str) -> None:
    """Ask, as the page does, for a story that would go on for thousands of tokens."""
    config = json.loads(served.read("/config"))
    (number,) = [each["id"] for each in config["dependencies"] if each["api_name"] == "chat"]
    data = ["Write a very long story about a ship.", [], "", 0.2, 0.9, 4000, "en"]
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


def test_the_page_answers(served: Served) -> None:
    _, chat = ask(served, "What is the capital of France?", GREEDY)
    (asked, answered) = said(chat)
    assert asked == ("user", "What is the capital of France?")
    assert answered[0] == "assistant"
    assert "Paris" in answered[1]


def test_what_was_typed_comes_back_when_there_is_no_answer(served: Served) -> None:
    long = "sea " * 9000
    box, chat = ask(served, long, GREEDY)
    assert box["value"] == long
    assert chat == []


def test_an_empty_message_asks_nothing(served: Served) -> None:
    box, chat = ask(served, "  ", GREEDY)
    assert (box, chat) == ({"__type__": "update"}, {"__type__": "update"})


def test_a_visitor_who_leaves_stops_the_model(served: Served) -> None:
    endless(served, "leaver")
    with served.open("/gradio_api/queue/data?session_hash=leaver") as events:
        until(lambda: b"process_generating" in events.readline())
        assert served.health["busy"]
    until(lambda: not served.health["busy"])


def test_page_and_api_stand_in_one_line(served: Served) -> None:
    endless(served, "first")
    with served.open("/gradio_api/queue/data?session_hash=first") as events:
        until(lambda: b"process_generating" in events.readline())
        request = {"model": "smollm2:135m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        with served.open("/v1/chat/completions", request | {"max_tokens": 4}) as waiting:
            assert waiting.readline() == b": keep-alive\n"
            assert served.health["queued"] == 1
            events.close()
            assert b"data: [DONE]" in waiting.read()


def test_unknown_api_paths_do_not_fall_through_to_the_page(served: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        served.open("/v1/nowhere")
    with caught.value as answer:
        assert json.load(answer)["error"]["code"] == "not_found"


def test_the_server_called_no_other_machine(served: Served) -> None:
    ask(served, "Hi", GREEDY)
    assert "OUTSIDE" not in served.log.read_text()
