from __future__ import annotations

import json
from itertools import pairwise

import pytest

from unmask.text.call_forms import GLM4, HERMES, LLAMA, MISTRAL, MISTRAL_NAMED, PLAIN, Form
from unmask.text.call_parser import CallArguments, CallBegins, CallDone, CallParser, Event, Said

NAMES = {"get_weather", "add"}


def parsed(form: Form, pieces: list[str], *, certain: bool = False) -> list[Event]:
    parser = CallParser(form, NAMES, {}, certain=certain)
    return [*(event for piece in pieces for event in parser.push(piece)), *parser.flush()]


def told(events: list[Event]) -> list[tuple[str, str]]:
    """Texts, and calls as (name, arguments), whatever pieces they came in; every call whole and in its place."""
    found: list[tuple[str, str]] = []
    calls = -1
    for before, event in pairwise([None, *events]):
        if isinstance(event, Said):
            if not isinstance(before, Said):
                found.append(("", ""))
            found[-1] = ("", found[-1][1] + event.text)
        elif isinstance(event, CallBegins):
            calls += 1
            assert event.index == calls
            found.append((event.name, ""))
        elif isinstance(event, CallArguments):
            assert event.index == calls
            found[-1] = (found[-1][0], found[-1][1] + event.text)
        else:
            assert event == CallDone(calls)
            json.loads(found[-1][1])
    return found


# What models of each form answer, and what is in it.
ANSWERS = {
    "qwen": (
        HERMES,
        'Let me look.\n\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "St. \\"}{\\\\"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "add", "arguments": {"a": [1, {"b": 2}]}}\n</tool_call>',
        [("", "Let me look."), ("get_weather", '{"city": "St. \\"}{\\\\"}'), ("add", '{"a": [1, {"b": 2}]}')],
    ),
    "a closing mark inside an argument": (
        HERMES,
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "</tool_call>"}}\n</tool_call> So.',
        [("get_weather", '{"city": "</tool_call>"}'), ("", " So.")],
    ),
    "smollm2": (
        PLAIN,
        '<tool_call>[{"name": "add", "arguments": {"a": 1}}, {"name": "get_weather", "arguments": {}}]</tool_call>',
        [("add", '{"a": 1}'), ("get_weather", "{}")],
    ),
    "llama": (LLAMA, '{"name": "add", "parameters": {"a": 1}}', [("add", '{"a": 1}')]),
    "llama with its tag": (LLAMA, '<|python_tag|>{"name": "add", "parameters": {"a": 1}}', [("add", '{"a": 1}')]),
    "mistral": (
        MISTRAL,
        '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}, {"name": "get_weather", "arguments": {"city": "]"}}]',
        [("add", '{"a": 1}'), ("get_weather", '{"city": "]"}')],
    ),
    "devstral": (
        MISTRAL_NAMED,
        'I add.[TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]{"city": "Rome"}',
        [("", "I add."), ("add", '{"a": 1}'), ("get_weather", '{"city": "Rome"}')],
    ),
    "glm-4": (GLM4, 'get_weather\n{"city": "北京"}', [("get_weather", '{"city": "北京"}')]),
    "no call": (HERMES, "a < b, <tool_cal and {1, 2}\n", [("", "a < b, <tool_cal and {1, 2}\n")]),
}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_the_same_is_found_wherever_the_answer_is_cut(name: str, certain: bool):
    form, answer, want = ANSWERS[name]
    for cut in range(len(answer) + 1):
        assert told(parsed(form, [answer[:cut], answer[cut:]], certain=certain)) == want, cut
    assert told(parsed(form, list(answer), certain=certain)) == want
    for first in range(0, len(answer), 5):
        for second in range(first, len(answer), 7):
            pieces = [answer[:first], answer[first:second], answer[second:]]
            assert told(parsed(form, pieces, certain=certain)) == want, (first, second)


# What only looks like a call is text, to the last character.
TEXTS = {
    "no object": (HERMES, "<tool_call>soon</tool_call>"),
    "broken JSON": (HERMES, '<tool_call>\n{"name": "add", "arguments": {"a": 1,}}\n</tool_call>\nhm'),
    "no such tool": (HERMES, ' <tool_call>\n{"name": "rm", "arguments": {}}\n</tool_call>'),
    "arguments that are a list": (HERMES, '<tool_call>{"name": "add", "arguments": [1]}</tool_call>'),
    "not a number of JSON": (HERMES, '<tool_call>{"name": "add", "arguments": {"a": NaN}}</tool_call>'),
    "half a call": (HERMES, 'x \n<tool_call>\n{"name": "add", "argum'),
    "half a mark": (HERMES, "x <tool_ca"),
    "nested too deep": (HERMES, '<tool_call>{"name": "add", "arguments": ' + '{"a":' * 5000 + "1" + "}" * 5001),
    "JSON that is the answer": (LLAMA, '{"city": "Paris"}'),
    "JSON after a text": (LLAMA, 'See {"name": "add", "parameters": {}}'),
    "a second object": (LLAMA, '[{"name": "add"}]'),
    "a mark in the wrong place": (MISTRAL_NAMED, "[TOOL_CALLS]{}"),
    "a name that goes on": (GLM4, "get_weather is a function"),
    "a line and no object": (GLM4, "add\nall of it " + "x" * 300),
    "blanks": (GLM4, " \n "),
    "nothing": (HERMES, ""),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_call_is_text(name: str):
    form, answer = TEXTS[name]
    for pieces in ([answer], list(answer)):
        assert "".join(each.text for each in parsed(form, pieces) if isinstance(each, Said)) == answer


def test_a_broken_call_does_not_hide_the_next_one():
    answer = '<tool_call>no</tool_call> <tool_call>{"name": "add", "arguments": {}}</tool_call>'
    assert told(parsed(HERMES, list(answer))) == [("", "<tool_call>no</tool_call>"), ("add", "{}")]


def test_arguments_are_told_as_they_come_where_a_grammar_holds_them():
    parser = CallParser(HERMES, NAMES, {}, certain=True)
    begun = parser.push('<tool_call>\n{"name": "add", "arguments": {"a"')
    assert [type(each) for each in begun] == [CallBegins, CallArguments]
    assert parser.push(": 12") == [CallArguments(0, ": 12")]
    assert parser.push("3}}\n</tool_") == [CallArguments(0, "3}"), CallDone(0)]
    assert parser.push("call>") == []
    assert parser.flush() == []


def test_a_call_cut_by_the_limit_stays_begun_where_a_grammar_holds_it():
    events = parsed(HERMES, ['<tool_call>\n{"name": "add", "arguments": {"a": "b\\'], certain=True)
    assert events[1:] == [CallArguments(0, '{"a": "b')]


def test_without_a_grammar_a_call_is_told_when_it_is_whole():
    parser = CallParser(HERMES, NAMES, {}, certain=False)
    assert parser.push('<tool_call>\n{"name": "add", "arguments": {"a": 1}') == []
    begun, arguments, done = parser.push("}")
    assert isinstance(begun, CallBegins)
    assert (arguments, done) == (CallArguments(0, '{"a": 1}'), CallDone(0))


def test_text_is_told_as_soon_as_it_cannot_begin_a_call():
    parser = CallParser(HERMES, NAMES, {}, certain=False)
    assert parser.push("a <tool_") == [Said("a")]
    assert parser.push("box") == [Said(" <tool_box")]


def test_marks_that_no_text_shows_are_known_by_their_tokens():
    parser = CallParser(MISTRAL, NAMES, {5: "[TOOL_CALLS]"}, certain=False)
    assert parser.push("", 5) == []
    events = parser.push(' [{"name": "add", "arguments": {}}]', 77)
    assert told([*events, *parser.flush()]) == [("add", "{}")]


def test_arguments_may_be_a_text_of_json_and_their_name_parameters():
    answer = '<tool_call>{"parameters": "{\\"a\\": 1}", "name": "add"}</tool_call>'
    assert told(parsed(HERMES, [answer])) == [("add", '{"a": 1}')]


def test_half_a_character_in_arguments_stays_escaped():
    answer = '<tool_call>{"name": "add", "arguments": {"a": "\\ud83d", "b": "é"}}</tool_call>'
    ((_, arguments),) = told(parsed(HERMES, [answer]))
    assert arguments.encode() == b'{"a": "\\ud83d", "b": "\\u00e9"}'


def test_ids_differ_and_have_the_length_that_the_form_wants():
    def ids(form: Form, answer: str) -> list[str]:
        return [each.id for each in parsed(form, [answer]) if isinstance(each, CallBegins)]

    first, second = ids(HERMES, ANSWERS["qwen"][1])
    assert first != second
    assert first.startswith("call_")
    assert [len(each) for each in ids(MISTRAL, ANSWERS["mistral"][1])] == [9, 9]
