from __future__ import annotations

from typing import Any

import pytest

from unmask.base.errors import RequestError, TemplateError
from unmask.text.chat import ChatTemplate

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
USER = {"role": "user", "content": "Hi"}


def render(source: str, messages: Any = (USER,), **specials: str) -> str:
    return ChatTemplate(source, specials).render(list(messages))


def test_a_conversation_ends_where_the_answer_begins():
    template = ChatTemplate(CHATML, {})
    assert template.render([USER]) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert template.render([USER], answer=False) == "<|im_start|>user\nHi<|im_end|>\n"


def test_text_parts_become_one_text():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, "c"]
    assert render("{{ messages[0].content }}", [{"role": "user", "content": parts}]) == "a\nb\nc"


def test_what_else_a_message_holds_reaches_the_template():
    message = {**USER, "name": "Ann", "tool_calls": [{"id": 1}]}
    assert render("{{ messages[0].name }} {{ messages[0].tool_calls[0].id }}", [message]) == "Ann 1"


def test_a_message_is_not_changed_by_its_rendering():
    message = {"role": "user", "content": [{"type": "text", "text": "a"}]}
    render(CHATML, [message])
    assert message == {"role": "user", "content": [{"type": "text", "text": "a"}]}


def test_a_broken_template_is_an_error_only_when_it_is_used():
    template = ChatTemplate("{% if %}", {})
    with pytest.raises(TemplateError, match="line 1: Expected an expression"):
        template.render([USER])


@pytest.mark.parametrize("messages", [[], None, "Hi", {"role": "user"}])
def test_a_conversation_is_a_list_of_messages(messages: Any):
    with pytest.raises(RequestError, match="at least one message"):
        ChatTemplate(CHATML, {}).render(messages)


@pytest.mark.parametrize(
    ("message", "match"),
    [
        ("Hi", "Message 1 is no mapping"),
        ({"content": "Hi"}, "Message 1 needs a role .* None"),
        ({"role": "", "content": "Hi"}, "Message 1 needs a role .* ''"),
        ({"role": 3, "content": "Hi"}, "Message 1 needs a role .* 3"),
        ({"role": "user"}, "Message 1 needs a text .* None"),
        ({"role": "user", "content": 5}, "Message 1 needs a text .* 5"),
        ({"role": "user", "content": [5]}, "Message 1 needs a text .* 5"),
        ({"role": "user", "content": [{"type": "text"}]}, "Message 1 needs a text .* None"),
        ({"role": "user", "content": "Hi", "extra": object()}, "Message 1 is not plain data: Object of type object"),
    ],
)
def test_a_wrong_message_is_named_by_its_index(message: Any, match: str):
    with pytest.raises(RequestError, match=match) as caught:
        render(CHATML, [USER, message])
    assert caught.value.values.get("index") == 1


def test_an_image_is_refused_by_a_model_of_text():
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    with pytest.raises(TemplateError, match="Message 1 has a part of type 'image_url'; this model reads text only"):
        render(CHATML, [USER, message])


def test_a_nest_deeper_than_python_can_follow_is_refused():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RequestError, match="Message 0 is not plain data: .*recursion"):
        render(CHATML, [{**USER, "extra": deep}])


def test_a_templates_own_refusal_is_told_in_its_words():
    with pytest.raises(TemplateError, match="refuses these messages: Only {user} and assistant roles") as caught:
        render("{{ raise_exception('Only {user} and\nassistant roles') }}")
    assert caught.value.values["reason"] == "Only {user} and assistant roles"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("a\n{{ 1 / 0 }}", 2, "division by zero"),
        ("\n\n{{ nothing.at_all }}", 3, "'nothing' is undefined"),
        ("\n{{ messages | nonsense }}", 2, "No filter named 'nonsense'"),
        ("\n{% endfor %}", 2, "unknown tag 'endfor'"),
        ("{% break %}", "?", "outside loop"),
    ],
)
def test_a_wrong_template_is_named_by_its_line(source: str, line: object, reason: str):
    with pytest.raises(TemplateError, match="The chat template fails at line") as caught:
        render(source)
    assert caught.value.values["line"] == line
    assert reason in str(caught.value)


def test_a_template_that_is_too_long_is_refused_with_both_sizes():
    with pytest.raises(TemplateError, match="has 300000 characters; at most 131072"):
        render("a" * 300_000)


def test_a_template_gets_its_settings_and_the_tools():
    template = ChatTemplate("{{ tools[0].name }} {{ thinking }} {{ documents }}", {})
    messages = [{"role": "user", "content": "x"}]
    assert template.render(messages, tools=[{"name": "f"}], settings={"thinking": False}) == "f False None"


@pytest.mark.parametrize("name", ["messages", "tools", "add_generation_prompt", "bos_token"])
def test_what_a_conversation_is_made_of_is_no_setting(name: str):
    template = ChatTemplate("{{ messages }}", {"bos_token": "<s>"})
    with pytest.raises(RequestError, match=f"variable {name} is not a setting"):
        template.render([{"role": "user", "content": "x"}], settings={name: 1})
