"""`unmask serve` with the real model, asked by OpenAI's own client."""

from __future__ import annotations

import json
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
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 0


def test_several_answers_and_how_likely_each_token_was(client: openai.OpenAI) -> None:
    wish = {"model": "smollm2:135m", "messages": QUESTION, "temperature": 0, "max_tokens": 12}
    answer = client.chat.completions.create(**wish, n=2, logprobs=True, top_logprobs=2)
    first, second = answer.choices
    assert first.message.content == second.message.content
    assert "".join(each.token for each in first.logprobs.content) == first.message.content
    for each in first.logprobs.content:
        assert len(each.top_logprobs) == 2
        assert bytes(each.bytes).decode() == each.token


def test_an_answer_in_the_form_of_a_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    answer = client.chat.completions.create(
        model="smollm2:135m", messages=QUESTION, temperature=0, max_tokens=60, response_format=form
    )
    assert json.loads(answer.choices[0].message.content)["city"] == "Paris"


def test_a_tool_is_called_with_the_arguments_that_it_wants(client: openai.OpenAI) -> None:
    parameters = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    messages = [{"role": "user", "content": "How is the weather in Rome?"}]
    wish = {"model": "smollm2:135m", "messages": messages, "tools": [tool], "temperature": 0, "max_tokens": 80}
    whole = client.chat.completions.create(**wish, tool_choice="required", parallel_tool_calls=False)
    (call,) = whole.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Rome"})
    with client.chat.completions.stream(**wish, tool_choice="required", parallel_tool_calls=False) as stream:
        (streamed,) = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed.function.arguments == call.function.arguments


def test_a_text_is_completed_and_judged(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="smollm2:135m", prompt="The capital of France is", max_tokens=1, echo=True, logprobs=1
    )
    assert answer.choices[0].text == "The capital of France is Paris"
    told = answer.choices[0].logprobs
    assert told.tokens == ["The", " capital", " of", " France", " is", " Paris"]
    assert told.token_logprobs[0] is None
    begins = [0, *(len("".join(told.tokens[:count])) for count in range(1, 6))]
    assert told.text_offset == begins
    assert told.token_logprobs[-1] == max(told.top_logprobs[-1].values())


def test_a_text_without_a_middle_to_fill_is_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no tokens to fill in the middle") as caught:
        client.completions.create(model="smollm2:135m", prompt="a", suffix="b")
    assert caught.value.param == "suffix"


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
def test_without_time_to_drain_a_signal_ends_answers_with_an_error_and_all_in_good_order(
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
        "--drain",
        "0",
    ]
    with served_by(command, tmp_path / "log") as server:
        request = {"model": str(tiny_folder), "messages": STORY, "temperature": 0, "stream": True}
        with server.open("/v1/chat/completions", request) as answer:
            answer.readline()
            server.process.send_signal(ending)
            assert b'"code":"shutting_down"' in answer.read()
        assert server.process.wait(30) == 0
    assert "Traceback" not in server.log.read_text()
