"""The API as OpenAI's own client sees it, and the bytes on the wire."""

from __future__ import annotations

import json
from dataclasses import replace

import openai
import pytest

from tests.unit.server.live import QUESTION, Reply, Server


def events(reply: Reply) -> list[str]:
    """The data of each server-sent event."""
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    blocks = reply.body.decode().split("\n\n")
    assert blocks.pop() == ""
    return [block.removeprefix("data: ") for block in blocks]


def test_the_answer_is_the_models_own(server: Server):
    expected = server.model.chat(QUESTION, sampling=replace(server.model.sampling, temperature=0), limit=12)
    with server.completions() as create:
        answer = create(temperature=0, max_completion_tokens=12)
    assert answer.choices[0].message.content == expected.text
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (expected.prompt_tokens, 12)
    assert answer.usage.total_tokens == expected.prompt_tokens + 12


def test_streamed_texts_join_to_the_whole_answer(server: Server):
    whole = server.chat(max_tokens=20).json["choices"][0]["message"]["content"]
    with server.completions() as create:
        chunks = list(create(temperature=0, max_tokens=20, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole


def test_a_stream_begins_with_the_role_and_ends_with_reason_usage_and_done(server: Server):
    *chunks, done = events(server.chat(stream=True, stream_options={"include_usage": True}))
    first, *texts, finish, last = [json.loads(chunk) for chunk in chunks]
    assert done == "[DONE]"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert all(set(text["choices"][0]["delta"]) == {"content"} for text in texts)
    assert finish["choices"][0]["delta"] == {}
    assert finish["choices"][0]["finish_reason"] == "length"
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 4
    assert all(chunk["usage"] is None for chunk in (first, *texts, finish))
    assert {chunk["object"] for chunk in (first, *texts, finish, last)} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in (first, *texts, finish, last)}) == 1


def test_without_being_asked_a_stream_says_nothing_of_usage(server: Server):
    *chunks, _ = events(server.chat(stream=True))
    assert all("usage" not in json.loads(chunk) for chunk in chunks)


def test_a_stop_string_ends_the_answer_and_is_left_out(server: Server):
    whole = server.chat(max_tokens=20).json["choices"][0]["message"]["content"]
    stop = whole[len(whole) // 2 :][:3]
    choice = server.chat(max_tokens=20, stop=[stop, "never said"]).json["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == whole[: whole.index(stop)]


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(server: Server):
    answers = [
        server.chat(max_tokens=20, temperature=1.5, seed=seed).json["choices"][0]["message"]["content"]
        for seed in (1, 1, 2)
    ]
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_top_k_of_one_is_greedy_at_any_temperature(server: Server):
    greedy = server.chat(max_tokens=12).json["choices"][0]["message"]
    assert server.chat(max_tokens=12, temperature=2, top_k=1).json["choices"][0]["message"] == greedy


def test_texts_in_parts_and_a_developer_are_read_as_text_and_system(server: Server):
    parts = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    plain = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    expected = server.chat(messages=plain).json
    answer = server.chat(messages=parts).json
    assert answer["usage"] == expected["usage"]
    assert answer["choices"] == expected["choices"]


def test_every_role_and_an_empty_answer_are_taken(server: Server):
    roles = ("system", "user", "assistant", "tool", "user")
    messages = [{"role": role, "content": "x" if role != "assistant" else None} for role in roles]
    assert server.chat(messages=messages).status == 200


@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_the_model_is_listed_with_its_context_and_found_by_name(server: Server, prefix: str):
    (card,) = server.send("GET", f"{prefix}/models").json["data"]
    assert (card["id"], card["max_model_len"]) == (server.model.name, server.model.context)
    assert "/" in card["id"]
    assert server.send("GET", f"{prefix}/models/{server.model.name}").json == card


def test_the_routes_are_there_without_v1_as_well(server: Server):
    assert server.send("POST", "/chat/completions", server.request()).status == 200


def test_another_model_is_not_found_and_ours_is_named(server: Server):
    with server.completions() as create, pytest.raises(openai.NotFoundError) as caught:
        create(model="gpt-4")
    assert caught.value.code == "model_not_found"
    assert "'gpt-4'" in caught.value.message
    assert server.model.name in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_longer_than_the_context_says_both_numbers(server: Server, stream: bool):
    with server.completions() as create, pytest.raises(openai.BadRequestError) as caught:
        create(messages=[{"role": "user", "content": "x y " * 4096}], stream=stream)
    assert caught.value.code == "context_length_exceeded"
    assert "4096" in caught.value.message
    assert any(int(word) > 4096 for word in caught.value.message.split() if word.isdigit())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"ignore_eos": True}, "ignore_eos"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_we_do_not_have_is_refused_by_name(server: Server, fields: dict[str, object], param: str):
    reply = server.chat(**fields)
    assert reply.status == 400
    assert (reply.error["param"], reply.error["code"]) == (param, "unsupported_parameter")
    assert param in reply.error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"seed": 2**63}, "seed"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": ["a", ""]}, "stop[1]"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "wizard"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"model": None}, "model"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(server: Server, fields: dict[str, object], param: str):
    reply = server.chat(**fields)
    assert reply.status == 400
    assert (reply.error["param"], reply.error["type"]) == (param, "invalid_request_error")
    assert reply.error["message"].startswith(f"{param}: ")


def test_a_value_that_asks_for_nothing_is_taken(server: Server):
    nothing = {"n": 1, "tools": [], "response_format": {"type": "text"}, "logprobs": False, "logit_bias": None}
    assert server.chat(**nothing).status == 200
    assert server.chat(tools=[{"type": "function"}], tool_choice="none").status == 200


def test_an_unknown_field_is_ignored_and_logged_once(server: Server, caplog: pytest.LogCaptureFixture):
    for _ in range(2):
        assert server.chat(verbosity="low", store=True).status == 200
    (line,) = [record.getMessage() for record in caplog.records if record.name == "unmask.server"]
    assert "'verbosity', 'store'" in line
