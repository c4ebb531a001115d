"""A translator behind OpenAI's routes, as OpenAI's own client sees it. It knows ten words: what is right is plain."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import openai
import pytest

import unmask
from tests.tiny_translator import CONTEXT, german
from tests.unit.server.live import Reply, Server, serving, until
from unmask.server.host import Host, Waiting
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.refusals import QueueFullError
from unmask.server.titles import Placement, title
from unmask.server.translations import GREEDY, Job
from unmask.server.watch import WatchedHost

LINE = "a big red house"
LINES = "a big house\n\nno old book and child\nred"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}


@pytest.fixture
def client(translator_server: Server) -> Iterator[openai.OpenAI]:
    address = f"http://127.0.0.1:{translator_server.port}/v1"
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        yield client


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def words(text: str) -> str:
    """The German of each line."""
    return "\n".join(german(line) for line in text.split("\n"))


def asked(server: Server, **fields: object) -> Reply:
    body = {"model": server.model.name, "messages": said(LINE)} | fields
    return server.send("POST", "/v1/chat/completions", body)


def completed(server: Server, **fields: object) -> Reply:
    return server.send("POST", "/v1/completions", {"model": server.model.name, "prompt": LINE} | fields)


def events(reply: Reply) -> list[dict]:
    *found, done = re.findall(r"^data: (.*)$", reply.body.decode(), re.MULTILINE)
    assert done == "[DONE]"
    return [json.loads(each) for each in found]


@pytest.mark.parametrize("fields", [{}, {"temperature": 0}, {"max_tokens": 400, "top_p": 1, "presence_penalty": 0}])
def test_the_users_last_message_is_translated_whatever_else_was_said(client: openai.OpenAI, fields: dict):
    (model,) = client.models.list().data
    begun = [
        {"role": "system", "content": "Translate into German."},
        *said("no"),
        {"role": "assistant", "content": "x"},
    ]
    answer = client.chat.completions.create(model=model.id, messages=[*begun, *said(LINE)], **fields)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "ein großes rotes Haus")
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)


def test_several_lines_give_as_many(translator_server: Server):
    (choice,) = asked(translator_server, messages=said(LINES)).json["choices"]
    assert choice["message"]["content"] == "ein großes Haus\n\nkein altes Buch und Kind\nrotes"


def test_usage_counts_what_was_read_and_written(translator_server: Server):
    encode = translator_server.model.source.encode
    read = sum(len(encode(line).ids) for line in LINES.split("\n") if line)
    written = sum(len(encode(line, special=False).ids) for line in words(LINES).split("\n"))
    usage = asked(translator_server, messages=said(LINES)).json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (
        read,
        written,
        read + written,
    )


def test_the_best_of_a_search_are_all_told(translator_server: Server, translator: unmask.Translator):
    best = translator.translate(LINE, unmask.Search(beams=6, best=6))
    assert len({each.text for each in best.hypotheses}) > 1
    choices = asked(translator_server, n=6).json["choices"]
    assert [each["index"] for each in choices] == list(range(6))
    assert [each["message"]["content"] for each in choices] == [each.text for each in best.hypotheses]


def test_a_limit_cuts_each_line_and_says_so(translator_server: Server):
    (choice,) = asked(translator_server, messages=said("a red house\nred"), max_completion_tokens=2).json["choices"]
    assert choice["finish_reason"] == "length"
    assert [len(line.split()) for line in choice["message"]["content"].split("\n")] == [2, 1]


def test_a_line_that_is_longer_than_the_model_reads_is_translated_in_parts(
    translator_server: Server, translator: unmask.Translator
):
    text = "a red house and no child. " * 4
    whole = translator.translate(text)
    assert whole.parts > 1
    answer = asked(translator_server, messages=said(text), n=2).json
    assert [each["message"]["content"] for each in answer["choices"]] == [whole.text] * 2
    assert answer["usage"]["prompt_tokens"] == whole.tokens > CONTEXT
    drawn = asked(translator_server, messages=said(text), temperature=1, seed=0).json["choices"]
    pieces = events(asked(translator_server, messages=said(text), temperature=1, seed=0, stream=True))
    told = "".join(each["choices"][0]["delta"].get("content", "") for each in pieces)
    assert [each["message"]["content"] for each in drawn] == [told]


def test_a_search_is_streamed_line_by_line(client: openai.OpenAI, translator_server: Server):
    stream = client.chat.completions.create(
        model=translator_server.model.name,
        messages=said(LINES),
        stream=True,
        stream_options={"include_usage": True},
    )
    *told, last, usage = list(stream)
    assert [each.choices[0].delta.content for each in told] == ["", *words(LINES).splitlines(keepends=True)]
    assert last.choices[0].finish_reason == "stop"
    assert (usage.choices, usage.usage.completion_tokens > 8) == ([], True)


def test_what_is_drawn_is_streamed_token_by_token_and_the_same_in_one_piece(translator_server: Server):
    wish = {"messages": said(LINES), "temperature": 1.5, "seed": 3, "n": 2}
    whole = [each["message"]["content"] for each in asked(translator_server, **wish).json["choices"]]
    pieces = [each["choices"][0] for each in events(asked(translator_server, **wish, stream=True))]
    for index, text in enumerate(whole):
        own = [each["delta"].get("content", "") for each in pieces if each["index"] == index]
        assert "".join(own) == text
        assert len([piece for piece in own if piece]) > text.count("\n") + 1
    assert whole[0] != whole[1]


def test_without_beams_the_likeliest_token_is_streamed_each_time(translator: unmask.Translator):
    async def scenario() -> list[str]:
        host = Host(translator)
        job = Job(translator, [LINE], [GREEDY], answers=1, limit=None, by_tokens=True, tokens=5)
        async with aclosing(job.on(host)) as pieces:
            found = [each[1].text async for each in pieces if not isinstance(each, Waiting)]
        host.close()
        return found

    found = asyncio.run(scenario())
    assert "".join(found) == german(LINE)
    assert len(found) > 4


def test_completions_translate_each_prompt(client: openai.OpenAI, translator_server: Server):
    name = translator_server.model.name
    answer = client.completions.create(model=name, prompt=[LINE, LINES], n=1)
    assert [(each.index, each.text) for each in answer.choices] == [(0, words(LINE)), (1, words(LINES))]
    several = client.completions.create(model=name, prompt=["red", "old"], n=2, best_of=5)
    assert [each.index for each in several.choices] == [0, 1, 2, 3]
    assert [each.text for each in several.choices[::2]] == ["rotes", "altes"]


def test_completions_are_streamed_too(translator_server: Server):
    told = [each["choices"][0] for each in events(completed(translator_server, prompt=["red", LINES], stream=True))]
    for index, text in enumerate(["rotes", words(LINES)]):
        assert "".join(each["text"] for each in told if each["index"] == index) == text
        assert [each["finish_reason"] for each in told if each["index"] == index][-1] == "stop"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"continue_final_message": True}, "continue_final_message"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"guided_regex": "a+"}, "guided_regex"),
        ({"stop": "."}, "stop"),
        ({"stop_token_ids": [3]}, "stop_token_ids"),
        ({"ignore_eos": True}, "ignore_eos"),
        ({"min_tokens": 3}, "min_tokens"),
    ],
)
def test_what_a_translator_has_nothing_for_is_refused_by_name(translator_server: Server, fields: dict, param: str):
    reply = asked(translator_server, **fields)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")
    assert f"{param}: {translator_server.model.name} turns one text into another" in reply.error["message"]


@pytest.mark.parametrize(
    ("fields", "param"), [({"echo": True}, "echo"), ({"logprobs": 0}, "logprobs"), ({"suffix": "a"}, "suffix")]
)
def test_so_is_what_completions_alone_could_ask_for(translator_server: Server, fields: dict, param: str):
    reply = completed(translator_server, **fields)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert "has nothing for this" in reply.error["message"]


@pytest.mark.parametrize(
    "field", [{"presence_penalty": 1}, {"frequency_penalty": 1}, {"repetition_penalty": 1.2}, {"logit_bias": {"3": 1}}]
)
def test_what_weighs_single_tokens_needs_a_temperature(translator_server: Server, field: dict):
    (param,) = field
    reply = asked(translator_server, **field)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert "Set a temperature above 0" in reply.error["message"]
    assert asked(translator_server, **field, temperature=0.5).status == 200


def test_an_id_that_it_cannot_write_is_refused(translator_server: Server):
    reply = asked(translator_server, temperature=1, logit_bias={"99999": 1})
    assert (reply.status, reply.error["param"]) == (400, "logit_bias")
    assert "id 99999" in reply.error["message"]


def test_without_a_message_of_the_users_there_is_nothing_to_translate(translator_server: Server):
    reply = asked(translator_server, messages=[{"role": "system", "content": "Translate."}])
    assert (reply.status, reply.error["param"]) == (400, "messages")
    assert "none of them is the user's" in reply.error["message"]


def test_prompts_are_texts(translator_server: Server):
    reply = completed(translator_server, prompt=[[3, 4]])
    assert (reply.status, reply.error["param"]) == (400, "prompt")
    assert f"{translator_server.model.name} reads texts" in reply.error["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "a"}),
        ("/v1/rerank", {"query": "a", "documents": ["b"]}),
        ("/tokenize", {"prompt": "a"}),
        ("/detokenize", {"tokens": [3]}),
        ("/infill", {"input_prefix": "a", "input_suffix": "b"}),
    ],
)
def test_other_routes_say_where_translations_are_made(translator_server: Server, path: str, body: dict):
    reply = translator_server.send("POST", path, {"model": translator_server.model.name} | body)
    assert (reply.status, reply.error["param"]) == (400, "model")
    assert "/v1/chat/completions" in reply.error["message"]


def test_it_is_listed_healthy_and_measured(translator_server: Server):
    (card,) = translator_server.send("GET", "/v1/models").json["data"]
    assert (card["id"], card["max_model_len"]) == (translator_server.model.name, CONTEXT)
    assert translator_server.send("GET", "/health/ready").json["status"] == "ok"
    before, usage, after = (
        written(translator_server),
        asked(translator_server).json["usage"],
        written(translator_server),
    )
    assert after - before == usage["completion_tokens"]


def written(server: Server) -> float:
    told = server.send("GET", "/metrics").body.decode()
    return float(re.search(r"^unmask_written_tokens_total{.*} (.*)$", told, re.MULTILINE)[1])


def test_limits_hold_for_a_translator_too(translator: unmask.Translator):
    with serving(translator, limits=Limits(tokens=6, characters=40, messages=1, choices=2)) as server:
        long, many, far, wide = (
            asked(server, messages=said(LINES)),
            asked(server, messages=said("a") * 2),
            asked(server, messages=said("a" * 41)),
            asked(server, n=3),
        )
        assert asked(server).status == 200
    assert (long.status, long.error["code"]) == (400, "context_length_exceeded")
    assert "at most 6" in long.error["message"]
    assert [each.error["param"] for each in (many, far, wide)] == ["messages", "messages", "n"]


@contextmanager
def long_answer(server: Server) -> Iterator[HTTPConnection]:
    """A client whose answer is under way and has thousands of lines to go; it leaves when the block ends."""
    body = {"model": server.model.name, "messages": said("a red house\n" * 4000), "temperature": 1, "stream": True}
    connection = server.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    until(lambda: server.health["busy"])
    yield connection
    connection.close()


def test_who_leaves_frees_the_model(translator_server: Server):
    with long_answer(translator_server):
        pass
    until(lambda: not translator_server.health["busy"])
    assert asked(translator_server).status == 200


def test_texts_in_line_are_bounded_by_their_tokens_and_one_who_comes_to_an_empty_line_is_let_in(
    translator: unmask.Translator,
):
    async def scenario() -> None:
        host = WatchedHost(translator, meter=Meter(), limits=Limits(queued_tokens=8))
        jobs = [Job(translator, [LINE], [GREEDY], 1, None, by_tokens=True, tokens=9) for _ in range(2)]
        async with aclosing(jobs[0].on(host)) as first, aclosing(jobs[1].on(host)) as second:
            begun = asyncio.create_task(anext(first))
            await asyncio.sleep(0)
            with pytest.raises(QueueFullError, match="9 tokens are in line, and with this one's 9"):
                await anext(second)
            await begun
            assert host.queued_tokens == 0
        host.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_it_is_loaded_by_name_beside_a_model_that_talks(
    tiny_model: unmask.Model, translator_folder: Path, quantize: str | None
):
    placement = Placement(quantize=quantize, exact=quantize is None)
    weights = (translator_folder / "model.safetensors").stat().st_size
    assert weights / 4 < placement.need(str(translator_folder)) < 10 * weights
    other = title(str(translator_folder), placement, Host)
    assert other.longest == CONTEXT
    with serving(tiny_model, others=[other]) as server:
        body = {"model": other.name, "messages": said(LINE)}
        reply = server.send("POST", "/v1/chat/completions", body)
        assert reply.json["choices"][0]["message"]["content"] == german(LINE)
        assert reply.json["system_fingerprint"] == f"{quantize or 'float32'}-cpu"
        assert server.chat().status == 200
