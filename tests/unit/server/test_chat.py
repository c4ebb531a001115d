"""Chats as OpenAI's own client sees them, and the bytes on the wire."""

from __future__ import annotations

import json
from dataclasses import replace

import openai
import pytest
import torch

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
    assert answer["usage"]["prompt_tokens"] == expected["usage"]["prompt_tokens"]
    assert answer["choices"] == expected["choices"]


def test_every_role_and_an_empty_answer_are_taken(server: Server):
    roles = ("system", "user", "assistant", "tool", "function", "user")
    messages = [{"role": role, "content": "x" if role != "assistant" else None} for role in roles]
    assert server.chat(messages=messages).status == 200


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
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"modalities": ["text", "audio"]}, "modalities"),
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
        ({"stop": "a" * 257}, "stop[0]"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5"),
        ({"logit_bias": {str(each): 1 for each in range(1025)}}, "logit_bias"),
        ({"logit_bias": {"5000": 1}}, "logit_bias"),
        ({"stop_token_ids": [5, -1]}, "stop_token_ids"),
        ({"min_tokens": 5}, "min_tokens"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"continue_final_message": True, "add_generation_prompt": True}, "continue_final_message"),
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
    nothing = {
        "n": 1,
        "tools": [],
        "response_format": {"type": "text"},
        "logprobs": False,
        "top_logprobs": 0,
        "logit_bias": None,
    }
    assert server.chat(**nothing).status == 200
    assert server.chat(functions=[], function_call="auto", modalities=["text"], audio=None, user="me").status == 200


def test_an_unknown_field_is_ignored_and_logged_once(server: Server, caplog: pytest.LogCaptureFixture):
    for _ in range(2):
        assert server.chat(verbosity="low", store=True).status == 200
    (line,) = [record.getMessage() for record in caplog.records if record.name == "unmask.server"]
    assert "'verbosity', 'store'" in line


def test_several_answers_are_those_of_the_seeds_that_follow_one_another(server: Server):
    wish = {"temperature": 1.5, "max_tokens": 8}
    several = server.chat(**wish, seed=5, n=3).json
    alone = [server.chat(**wish, seed=seed).json["choices"][0]["message"] for seed in (5, 6, 7)]
    assert [each["index"] for each in several["choices"]] == [0, 1, 2]
    assert [each["message"] for each in several["choices"]] == alone
    assert several["usage"]["completion_tokens"] == 24


def test_several_streamed_answers_come_side_by_side_each_under_its_index(server: Server):
    wish = {"temperature": 1.5, "max_tokens": 8, "seed": 5, "n": 3}
    whole = [each["message"]["content"] for each in server.chat(**wish).json["choices"]]
    *chunks, _ = events(server.chat(**wish, stream=True))
    choices = [json.loads(chunk)["choices"][0] for chunk in chunks]
    for index in range(3):
        own = [each for each in choices if each["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        assert "".join(each["delta"].get("content", "") for each in own) == whole[index]
        assert [each["finish_reason"] for each in own[:-1]] == [None] * (len(own) - 1)
    order = [each["index"] for each in choices]
    assert order != sorted(order)


def test_a_prompt_counts_once_however_many_answers_it_gets(server: Server):
    one = server.chat().json["usage"]["prompt_tokens"]
    assert server.chat(n=3).json["usage"]["prompt_tokens"] == one


def test_a_bias_brings_a_token_in_and_keeps_one_out(server: Server):
    token = server.model.tokenizer.encode("q", special=False).ids[0]
    brought = server.chat(logit_bias={str(token): 100}).json["choices"][0]["message"]["content"]
    assert brought == "qqqq"
    likeliest = server.model.chat(QUESTION, sampling=replace(server.model.sampling, temperature=0), limit=4)
    without = server.chat(logit_bias={str(each): -100 for each in likeliest.tokens}, logprobs=True).json["choices"][0]
    spelled = {server.model.tokenizer.decode([each]).encode() for each in likeliest.tokens}
    assert spelled.isdisjoint(bytes(each["bytes"]) for each in without["logprobs"]["content"])


def test_logprobs_are_the_models_own_before_any_setting(server: Server):
    prompt = list(server.model.reader.render(QUESTION))
    reply = server.chat(max_tokens=5, temperature=1.7, seed=2, logprobs=True, top_logprobs=3).json["choices"][0]
    told = reply["logprobs"]["content"]
    written = b"".join(bytes(each["bytes"]) for each in told)
    assert written.decode(errors="replace") == reply["message"]["content"]
    with torch.inference_mode():
        row = server.model.logits(torch.tensor([prompt]))[0, -1].log_softmax(dim=-1)
    best = row.topk(3)
    assert [each["logprob"] for each in told[0]["top_logprobs"]] == pytest.approx(best.values.tolist(), abs=1e-4)
    spelled = [bytes(each["bytes"]).decode(errors="replace") for each in told[0]["top_logprobs"]]
    assert spelled == [server.model.tokenizer.decode([each]) for each in best.indices.tolist()]
    assert reply["logprobs"]["refusal"] is None


def test_without_top_logprobs_only_the_tokens_own_are_told(server: Server):
    told = server.chat(logprobs=True).json["choices"][0]["logprobs"]["content"]
    assert [each["top_logprobs"] for each in told] == [[]] * 4
    assert server.chat().json["choices"][0]["logprobs"] is None


def test_a_stream_tells_the_same_logprobs(server: Server):
    wish = {"logprobs": True, "top_logprobs": 1, "max_tokens": 16}
    whole = server.chat(**wish).json["choices"][0]["logprobs"]["content"]
    *chunks, _ = events(server.chat(**wish, stream=True))
    logs = [json.loads(chunk)["choices"][0]["logprobs"] for chunk in chunks]
    assert [each["token"] for log in logs if log for each in log["content"]] == [each["token"] for each in whole]


def test_an_id_of_the_clients_ends_the_answer(server: Server):
    token = server.model.tokenizer.encode("q", special=False).ids[0]
    choice = server.chat(logit_bias={str(token): 100}, stop_token_ids=[token]).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "stop")


def test_the_models_own_end_can_be_put_off_and_left_out(server: Server):
    (end,) = server.model.tokenizer.ends
    ended = {"logit_bias": {str(end): 100}, "max_tokens": 9}
    tokens = [
        server.chat(**ended, **more).json["usage"]["completion_tokens"]
        for more in ({}, {"min_tokens": 5}, {"ignore_eos": True})
    ]
    assert tokens == [0, 5, 9]


def test_an_answer_can_be_gone_on_with(server: Server):
    begun = [*QUESTION, {"role": "assistant", "content": "The quick"}]
    expected = server.model.reader.render(begun, resume=True)
    answer = server.chat(messages=begun, continue_final_message=True, add_generation_prompt=False)
    assert answer.json["usage"]["prompt_tokens"] == len(expected)
    shorter = server.chat(messages=begun, add_generation_prompt=False).json["usage"]["prompt_tokens"]
    assert shorter == len(server.model.reader.render(begun, answer=False))


def test_only_the_models_own_message_can_be_gone_on_with(server: Server):
    reply = server.chat(continue_final_message=True)
    assert reply.status == 400
    assert "'assistant'" in reply.error["message"]


def test_a_switch_of_the_template_is_no_way_to_its_messages(server: Server):
    assert server.chat(chat_template_kwargs={"enable_thinking": False}).status == 200
    reply = server.chat(chat_template_kwargs={"messages": []})
    assert reply.status == 400
    assert "messages" in reply.error["message"]
