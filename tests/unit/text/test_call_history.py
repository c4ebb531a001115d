from __future__ import annotations

import json
from typing import Any

import pytest

from unmask.base.errors import RequestError
from unmask.text.call_forms import GLM4, GLM4_MESSAGE, HERMES, MISTRAL, PLAIN
from unmask.text.call_history import in_form
from unmask.text.chat import ChatTemplate

TOOL = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
ASKED = {"role": "user", "content": "1 + 1?"}
TALK: list[dict[str, Any]] = [
    ASKED,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "2"},
]


def test_arguments_become_data_and_results_get_their_functions_name():
    told, offered = in_form(HERMES, TALK, [TOOL])
    assert told == [
        ASKED,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "2", "name": "add"},
    ]
    assert offered == [TOOL]
    assert CALL["function"]["arguments"] == '{"a": 1}'  # what was given is not changed


def test_an_empty_list_of_calls_and_of_tools_is_none():
    told, offered = in_form(HERMES, [{"role": "assistant", "content": "Hi", "tool_calls": []}], [])
    assert told == [{"role": "assistant", "content": "Hi"}]
    assert offered is None


def test_arguments_may_be_left_empty():
    (told,), _ = in_form(HERMES, [{**TALK[1], "tool_calls": [{"function": {"name": "now", "arguments": ""}}]}], [])
    assert told["tool_calls"][0]["function"]["arguments"] == {}


def test_a_call_and_its_result_keep_one_id_where_it_must_have_another_length():
    told, _ = in_form(MISTRAL, TALK, [])
    (call,) = told[1]["tool_calls"]
    assert len(call["id"]) == 9
    assert call["id"].isalnum()
    assert told[2]["tool_call_id"] == call["id"]


def test_glm_4_reads_a_call_as_metadata_and_a_result_as_an_observation():
    told, offered = in_form(GLM4, [ASKED, {**TALK[1], "content": "So:"}, TALK[2]], [TOOL])
    assert [(each["role"], each.get("metadata"), each["content"]) for each in told] == [
        ("user", None, "1 + 1?"),
        ("assistant", None, "So:"),
        ("assistant", "add", '{"a": 1}'),
        ("observation", None, "2"),
    ]
    assert offered == [TOOL]


def test_a_template_that_looks_into_the_system_message_finds_the_tools_there():
    told, offered = in_form(GLM4_MESSAGE, [ASKED], [TOOL])
    assert told == [{"role": "system", "content": "", "tools": [TOOL]}, ASKED]
    assert offered is None


def test_a_template_that_knows_no_tools_gets_them_calls_and_results_in_words():
    chatml = ChatTemplate("{% for each in messages %}<{{ each.role }}>{{ each.content }}\n{% endfor %}", {})
    system = {"role": "system", "content": "Be brief."}
    told, offered = in_form(PLAIN, [system, *TALK, {**TALK[2], "content": "3"}], [TOOL])
    text = chatml.render(told, tools=offered, answer=False)
    first, rest = text.split("<user>", 1)
    assert first.startswith("<system>Be brief.\n\n")
    assert json.dumps(TOOL) in first
    assert rest == (
        "1 + 1?\n"
        '<assistant><tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n'
        "<user><tool_response>\n2\n</tool_response>\n<tool_response>\n3\n</tool_response>\n"
    )


def test_a_template_that_knows_no_tools_says_nothing_of_them_where_there_are_none():
    assert in_form(PLAIN, [ASKED], []) == ([ASKED], None)


@pytest.mark.parametrize("arguments", ["[1]", "{", "1", [1], "[" * 100_000])
def test_arguments_that_are_no_object_are_refused(arguments: object):
    call = {"function": {"name": "add", "arguments": arguments}}
    with pytest.raises(RequestError) as caught:
        in_form(HERMES, [ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL, call]}], [])
    assert "messages[1].tool_calls[1]" in str(caught.value)
    assert repr(arguments)[:20] in str(caught.value)


@pytest.mark.parametrize(
    "call", [{}, 3, {"function": {"arguments": "{}"}}, {"function": "add"}, {"function": {"name": ""}}]
)
def test_a_call_without_a_function_is_refused(call: object):
    with pytest.raises(RequestError, match=r"messages\[0\].tool_calls\[0\] is no call"):
        in_form(HERMES, [{"role": "assistant", "content": "", "tool_calls": [call]}], [])
