"""`unmask serve` with a translator, as a user starts it: OpenAI's own client, and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.e2e.conftest import watched
from tests.e2e.served import Served
from tests.tiny_translator import german

LINES = "a big red house\n\nno old book"


@pytest.fixture(scope="module")
def served_translator(translator_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with watched(str(translator_folder), tmp_path_factory.mktemp("served-translator") / "log") as server:
        yield server


def translated() -> str:
    return "\n".join(german(line) for line in LINES.split("\n"))


@pytest.mark.parametrize("stream", [False, True])
def test_openais_client_gets_a_line_for_each_line(served_translator: Served, stream: bool) -> None:
    with openai.OpenAI(base_url=f"{served_translator.root}/v1", api_key="none", max_retries=0) as client:
        (model,) = client.models.list().data
        answer = client.chat.completions.create(
            model=model.id, messages=[{"role": "user", "content": LINES}], stream=stream
        )
        if stream:
            assert "".join(each.choices[0].delta.content or "" for each in answer) == translated()
        else:
            assert answer.choices[0].message.content == translated()


def test_the_page_translates_and_offers_each_line_to_be_looked_into(served_translator: Served) -> None:
    assert "the user's last message is translated" in served_translator.read("/config")
    call = json.loads(served_translator.read("/gradio_api/call/translate", {"data": [LINES, 2, "en"]}))
    *_, last = served_translator.read(f"/gradio_api/call/translate/{call['event_id']}").strip().split("\n\n")
    event, data = last.split("\n")
    assert event == "event: complete", last
    made, offered, *_ = json.loads(data.removeprefix("data: "))
    assert made == translated()
    assert offered["choices"] == [["a big red house", 0], ["no old book", 1]]
    assert offered["visible"]


def test_the_log_says_how_the_weights_are_held_and_that_no_other_machine_was_called(served_translator: Served) -> None:
    log = served_translator.log.read_text()
    assert "Loading" in log
    assert "OUTSIDE" not in log
