"""Text completions as OpenAI's own client sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
import torch

import unmask
from tests.unit.server.live import Server, serving
from unmask.server.limits import Limits

PROMPT = "The quick brown"


def complete(server: Server, **fields: object):
    return server.send("POST", "/v1/completions", {"model": server.model.name, "prompt": PROMPT} | fields)


def texts(server: Server, **fields: object) -> list[str]:
    return [choice["text"] for choice in complete(server, **fields).json["choices"]]


def logs(model: unmask.Model, ids: list[int]) -> torch.Tensor:
    """The logarithms of what a model gives each next token: [T, V]."""
    with torch.inference_mode():
        return model.logits(torch.tensor([ids]))[0].log_softmax(dim=-1)


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_the_answer_is_the_likeliest_text_unless_asked_otherwise(client: openai.OpenAI, server: Server):
    expected = server.model.generate(PROMPT, limit=16)
    answer = client.completions.create(model=server.model.name, prompt=PROMPT)
    assert answer.object == "text_completion"
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (expected.text, "length")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (expected.prompt_tokens, 16)


def test_streamed_texts_join_to_the_whole_answer(client: openai.OpenAI, server: Server):
    wish = {"model": server.model.name, "prompt": PROMPT, "max_tokens": 20, "echo": True}
    whole = client.completions.create(**wish)
    *chunks, last = client.completions.create(**wish, stream=True, stream_options={"include_usage": True})
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, whole.choices[0].finish_reason]
    assert last.choices == []
    assert last.usage.completion_tokens == whole.usage.completion_tokens


def test_a_text_its_ids_and_lists_of_them_are_the_same_question(server: Server):
    ids = list(server.model.tokenizer.encode(PROMPT).ids)
    (expected,) = texts(server)
    assert texts(server, prompt=[PROMPT]) == texts(server, prompt=ids) == texts(server, prompt=[ids]) == [expected]


def test_several_prompts_get_several_answers_each_in_order(server: Server):
    prompts = [PROMPT, "What is", "语言"]
    alone = [text for prompt in prompts for text in texts(server, prompt=prompt, temperature=1, seed=3, n=2)]
    answer = complete(server, prompt=prompts, temperature=1, seed=3, n=2).json
    assert [choice["text"] for choice in answer["choices"]] == alone
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3, 4, 5]
    assert answer["usage"]["completion_tokens"] == 6 * 16
    assert answer["usage"]["prompt_tokens"] == sum(len(server.model.tokenizer.encode(each).ids) for each in prompts)


def test_more_prompts_than_stand_in_line_at_once_are_all_answered(tiny_model: unmask.Model):
    with serving(tiny_model, limits=Limits(queued=16)) as server:
        assert len(texts(server, prompt=[PROMPT] * 64, max_tokens=2)) == 64


def test_logprobs_are_the_models_own_and_tell_where_each_token_begins(server: Server):
    (choice,) = complete(server, max_tokens=6, logprobs=3).json["choices"]
    told, prompt = choice["logprobs"], list(server.model.tokenizer.encode(PROMPT).ids)
    ids = list(server.model.generate(PROMPT, limit=6).tokens)
    expected = logs(server.model, prompt + ids)[len(prompt) - 1 : -1]
    assert told["token_logprobs"] == pytest.approx(
        [float(row[each]) for row, each in zip(expected, ids, strict=True)], abs=1e-4
    )
    best = expected.topk(3).values.tolist()
    assert [sorted(each.values(), reverse=True) for each in told["top_logprobs"]] == [
        pytest.approx(each, abs=1e-4) for each in best
    ]
    for token, begin in zip(told["tokens"], told["text_offset"], strict=True):
        assert token.startswith("bytes:") or choice["text"][begin:].startswith(token)


def test_an_echo_is_judged_from_its_second_token_on(server: Server):
    ids = list(server.model.tokenizer.encode(PROMPT).ids)
    (choice,) = complete(server, prompt=ids, max_tokens=1, echo=True, logprobs=1).json["choices"]
    told, expected = choice["logprobs"], logs(server.model, ids)
    assert choice["text"].startswith(PROMPT)
    assert told["token_logprobs"][0] is None
    assert told["top_logprobs"][0] is None
    foreseen = [float(row[each]) for row, each in zip(expected, ids[1:], strict=False)]
    assert told["token_logprobs"][1:-1] == pytest.approx(foreseen, abs=1e-4)
    assert len(told["tokens"]) == len(told["text_offset"]) == len(ids) + 1
    greedy = [
        max(best, key=best.get) == token
        for token, best in zip(told["tokens"][1:], told["top_logprobs"][1:], strict=True)
    ]
    assert greedy[:-1] == [int(row.argmax()) == each for row, each in zip(expected, ids[1:], strict=False)]
    assert greedy[-1]


def test_a_stream_tells_the_same_logprobs(server: Server):
    wish = {"max_tokens": 12, "echo": True, "logprobs": 2}
    (whole,) = complete(server, **wish).json["choices"]
    blocks = complete(server, **wish, stream=True).body.decode().split("\n\n")[:-2]
    chunks = [json.loads(block.removeprefix("data: "))["choices"][0]["logprobs"] for block in blocks]
    for name, values in whole["logprobs"].items():
        assert [each for chunk in chunks for each in chunk[name]] == values or name != "tokens"
    assert [each for chunk in chunks for each in chunk["text_offset"]] == whole["logprobs"]["text_offset"]


def test_an_echo_alone_is_the_prompt_and_nothing_written(server: Server):
    answer = complete(server, max_tokens=0, echo=True).json
    assert [choice["text"] for choice in answer["choices"]] == [PROMPT]
    assert answer["usage"]["completion_tokens"] == 0


def test_the_best_of_several_is_the_likeliest_of_them(server: Server):
    drawn = {"temperature": 2, "seed": 3, "max_tokens": 5}
    candidates = complete(server, **drawn, n=4, logprobs=0).json["choices"]
    ranked = sorted(candidates, key=lambda each: -sum(each["logprobs"]["token_logprobs"]) / 5)
    answer = complete(server, **drawn, n=2, best_of=4).json
    assert [choice["text"] for choice in answer["choices"]] == [choice["text"] for choice in ranked[:2]]
    assert answer["choices"][0]["logprobs"] is None
    assert answer["usage"]["completion_tokens"] == 20


@pytest.mark.parametrize("path", ["/completions", "/v1/fim/completions", "/fim/completions"])
def test_the_route_has_other_names(server: Server, path: str):
    request = {"model": server.model.name, "prompt": PROMPT, "max_tokens": 1}
    assert server.send("POST", path, request).status == 200


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"prompt": None}, "prompt", "give a text"),
        ({"prompt": ["a", ""]}, "prompt[1]", "empty"),
        ({"prompt": [5, 5000]}, "prompt[0]", "id 5000 is outside"),
        ({"prompt": [[5], [-1]]}, "prompt[1]", "id -1 is outside"),
        ({"prompt": ["a"] * 129}, "prompt", "129 is more than the 128"),
        ({"max_tokens": -1}, "max_tokens", "0"),
        ({"max_tokens": 0}, "max_tokens", "without echo"),
        ({"logprobs": 21}, "logprobs", "20"),
        ({"n": 3, "best_of": 2}, "best_of", "2 are to be written and 3 returned"),
        ({"best_of": 17}, "best_of", "16"),
        ({"best_of": 2, "stream": True}, "best_of", "stream"),
        ({"suffix": "b"}, "suffix", "no tokens to fill in the middle"),
        ({"suffix": "b", "echo": True}, "suffix", "without echo"),
        ({"suffix": "b", "prompt": [5]}, "suffix", "prompts that are texts"),
    ],
)
def test_what_cannot_be_is_refused_by_name(server: Server, fields: dict[str, object], param: str, said: str):
    reply = complete(server, **fields)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")
    assert said in reply.error["message"]


def test_a_prompt_longer_than_the_context_says_both_numbers(server: Server):
    reply = complete(server, prompt="x y " * 4096)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "context_length_exceeded", "prompt")
    assert "4096" in reply.error["message"]


def test_a_model_that_writes_nothing_says_so(encoder_server: Server):
    reply = complete(encoder_server)
    assert (reply.status, reply.error["param"]) == (400, "model")
    assert "turns texts into vectors" in reply.error["message"]


def test_the_servers_own_limits_are_told_with_both_numbers(tiny_model: unmask.Model):
    limits = Limits(choices=2, best_of=3, stops=1, stop_characters=4, logprobs=5, biases=1, characters=30, tokens=8)
    with serving(tiny_model, limits=limits) as server:
        refused = {
            "n": (complete(server, n=3), "3 is more than the 2"),
            "best_of": (complete(server, best_of=4), "4 is more than the 3"),
            "stop": (complete(server, stop=["a", "b"]), "2 is more than the 1"),
            "stop[0]": (complete(server, stop="abcde"), "5 is more than the 4"),
            "logprobs": (complete(server, logprobs=6), "6 is more than the 5"),
            "logit_bias": (complete(server, logit_bias={"5": 1, "6": 1}), "2 is more than the 1"),
            "prompt": (complete(server, prompt="a" * 31), "31 characters; at most 30"),
        }
        long = complete(server, prompt=[5] * 9)
    for param, (reply, said) in refused.items():
        assert (reply.status, reply.error["param"]) == (400, param)
        assert said in reply.error["message"]
    assert (long.status, long.error["code"]) == (400, "context_length_exceeded")
    assert "9 tokens; this server takes prompts of at most 8" in long.error["message"]
