"""`unmask serve` with the real model, asked by OpenAI's own client."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.e2e.served import Served, served_by, until

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
STORY = [{"role": "user", "content": "Write a very long story about a ship."}]


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_the_real_model_names_paris(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    answer = client.chat.completions.create(model=model.id, messages=QUESTION, temperature=0, max_tokens=24)
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_its_stream_says_the_same(client: openai.OpenAI) -> None:
    wish = {"model": "smollm2:135m", "messages": QUESTION, "temperature": 0, "max_tokens": 24}
    whole = client.chat.completions.create(**wish)
    chunks = list(client.chat.completions.create(**wish, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_a_prompt_too_long_is_the_clients_error_with_both_numbers(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="8192") as caught:
        client.chat.completions.create(model="smollm2:135m", messages=[{"role": "user", "content": "sea " * 9000}])
    assert caught.value.code == "context_length_exceeded"


def test_closing_a_stream_frees_the_model(client: openai.OpenAI, served: Served) -> None:
    stream = client.chat.completions.create(model="smollm2:135m", messages=STORY, max_tokens=4000, stream=True)
    next(iter(stream))
    assert served.health["busy"]
    stream.close()
    until(lambda: not served.health["busy"])


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order_even_in_the_middle_of_an_answer(
    tiny_folder: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    command = [
        sys.executable,
        "-m",
        "unmask",
        "serve",
        str(tiny_folder),
        "--port",
        "0",
        "--no-page",
        "--quantize",
        "none",
    ]
    with served_by(command, tmp_path / "log") as server:
        request = {"model": str(tiny_folder), "messages": STORY, "temperature": 0, "stream": True}
        with server.open("/v1/chat/completions", request) as answer:
            answer.readline()
            server.process.send_signal(ending)
            assert b'"code":"shutting_down"' in answer.read()
        assert server.process.wait(30) == 0
    assert "Traceback" not in server.log.read_text()
