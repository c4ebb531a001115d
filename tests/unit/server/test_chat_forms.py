"""Answers of a given form, and calls of tools, as OpenAI's own client sees them."""

from __future__ import annotations

import json
import re

import openai
import pytest

from tests.unit.server.live import QUESTION, Reply, Server

LIVES = {
    "type": "object",
    "properties": {"alive": {"type": "boolean"}},
    "required": ["alive"],
    "additionalProperties": False,
}
NAMED = {"type": "json_schema", "json_schema": {"name": "life", "schema": LIVES, "strict": True}}
COLOURS = {"type": "string", "enum": ["red", "green"]}


def tool(name: str) -> dict[str, object]:
    parameters = {"type": "object", "properties": {"colour": COLOURS}, "required": ["colour"]}
    return {"type": "function", "function": {"name": name, "description": "Paints.", "parameters": parameters}}


PAINT, WASH = tool("paint"), tool("wash")
CHOSEN = {"type": "function", "function": {"name": "wash"}}


def content(server: Server, **fields: object) -> str:
    choice = server.chat(max_tokens=60, temperature=1, seed=1, **fields).json["choices"][0]
    assert choice["finish_reason"] == "stop"
    return choice["message"]["content"]


@pytest.mark.parametrize(
    "fields",
    [{"response_format": NAMED}, {"guided_json": LIVES}, {"structured_outputs": {"json": json.dumps(LIVES)}}],
)
def test_an_answer_fits_its_schema(server: Server, fields: dict[str, object]):
    assert json.loads(content(server, **fields)) in ({"alive": True}, {"alive": False})


def test_an_answer_is_one_of_the_choices_or_fits_the_expression(server: Server):
    assert content(server, guided_choice=["yes", "no"]) in ("yes", "no")
    assert re.fullmatch("[0-9]{3}-[a-c]", content(server, guided_regex="[0-9]{3}-[a-c]"))
    assert content(server, structured_outputs={"grammar": 'start: "a" | "b" "c"'}) in ("a", "bc")


def test_every_one_of_several_answers_has_the_form(server: Server):
    choices = server.chat(n=3, temperature=1, max_tokens=60, response_format=NAMED).json["choices"]
    assert all(set(json.loads(each["message"]["content"])) == {"alive"} for each in choices)


def test_completions_have_forms_too(server: Server):
    request = {"model": server.model.name, "prompt": "The fox", "guided_choice": ["yes", "no"]}
    assert server.send("POST", "/v1/completions", request).json["choices"][0]["text"] in ("yes", "no")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"guided_regex": "("}, "guided_regex"),
        ({"guided_json": {"type": "wizard"}}, "guided_json"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 5}}}},
            "response_format.json_schema.schema",
        ),
        ({"guided_grammar": "nonsense"}, "guided_grammar"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"structured_outputs": {"structural_tag": "x"}}, "structured_outputs.structural_tag"),
        ({"guided_choice": ["a"], "tools": [PAINT]}, "guided_choice"),
    ],
)
def test_a_form_that_cannot_be_had_is_refused_by_name(server: Server, fields: dict[str, object], param: str):
    reply = server.chat(**fields)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")


def called(server: Server, **fields: object) -> Reply:
    return server.chat(tools=[PAINT, WASH], temperature=1, seed=2, max_tokens=80, **fields)


def test_a_required_call_is_one_of_the_tools_with_the_arguments_of_its_schema(server: Server):
    choice = called(server, tool_choice="required", parallel_tool_calls=False).json["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert call["function"]["name"] in ("paint", "wash")
    assert json.loads(call["function"]["arguments"])["colour"] in ("red", "green")
    assert call["type"] == "function"
    assert call["id"]


def test_a_tool_that_is_named_is_the_one_that_is_called(server: Server):
    for seed in range(4):
        message = server.chat(
            tools=[PAINT, WASH], tool_choice=CHOSEN, temperature=1, seed=seed, max_tokens=80, parallel_tool_calls=False
        ).json["choices"][0]["message"]
        assert [call["function"]["name"] for call in message["tool_calls"]] == ["wash"]


def test_a_streamed_call_is_first_named_and_then_told_in_parts(server: Server):
    wish = {"tool_choice": CHOSEN, "parallel_tool_calls": False}
    (whole,) = called(server, **wish).json["choices"][0]["message"]["tool_calls"]
    blocks = called(server, **wish, stream=True).body.decode().removesuffix("\n\n").split("\n\n")
    assert blocks.pop() == "data: [DONE]"
    choices = [json.loads(block.removeprefix("data: "))["choices"][0] for block in blocks]
    first, *more = [each["delta"]["tool_calls"][0] for each in choices if "tool_calls" in each["delta"]]
    assert first | {"id": "?"} == {
        "index": 0,
        "id": "?",
        "type": "function",
        "function": {"name": "wash", "arguments": ""},
    }
    assert all(set(each) == {"index", "function"} and each["index"] == 0 for each in more)
    assert "".join(each["function"]["arguments"] for each in more) == whole["function"]["arguments"]
    assert len(more) > 1
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_openais_client_gathers_the_call_from_the_stream(server: Server):
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0) as client:
        wish = {"model": server.model.name, "messages": QUESTION, "tools": [PAINT], "tool_choice": "required"}
        with client.chat.completions.stream(**wish, temperature=0, max_tokens=80, parallel_tool_calls=False) as stream:
            message = stream.get_final_completion().choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["paint"]


def test_a_call_and_its_result_are_read_in_the_next_turn(server: Server):
    (call,) = called(server, tool_choice=CHOSEN, parallel_tool_calls=False).json["choices"][0]["message"]["tool_calls"]
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    told = {"role": "tool", "tool_call_id": call["id"], "content": "done"}
    reply = called(server, messages=[*QUESTION, asked, told], tool_choice="none")
    assert reply.status == 200
    assert "tool_calls" not in reply.json["choices"][0]["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": CHOSEN}, "tool_choice"),
        ({"tools": [PAINT], "tool_choice": CHOSEN}, "tool_choice.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "no name"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [tool("a" * 65)]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "description": "x" * 70000}}]}, "tools"),
    ],
)
def test_what_cannot_be_called_is_refused_by_name(server: Server, fields: dict[str, object], param: str):
    reply = server.chat(**fields)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")
