"""What a stranger's template may do, and what it may not."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from unmask.base.errors import TemplateError
from unmask.text import meter
from unmask.text.chat import ChatTemplate

GROWING = "{% set ns = namespace(x='ab') %}{% for i in range(64) %}STEP{% endfor %}{{ ns.x }}"


def render(source: str, content: str = "Hi") -> str:
    return ChatTemplate(source, {"bos_token": "<s>"}).render([{"role": "user", "content": content}])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ missing }}{{ messages[0].missing }}{% if tools %}x{% endif %}{{ bos_token }}", "<s>"),
        ("{% if tools is none and documents is defined %}yes{% endif %}", "yes"),
        ("  {% if true %}\n  a\n  {% endif %}\nb", "  a\nb"),
        (
            "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}"
            "{% if i > 2 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        ("{% generation %}{{ bos_token }}{% endgeneration %}.", "<s>."),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"),
        ("{% macro twice(x) %}{{ x ~ x }}{% endmacro %}{{ twice('a') | upper }}", "AA"),
        (
            "{% set x %}{{ 'a' }}b{% endset %}{{ x }}{{ [1, 2] + [3] }}{{ (1, 'b') }}{{ {'k': x} }}",
            "ab[1, 2, 3](1, 'b'){'k': 'ab'}",
        ),
        ("{{ {'a': '<é>', 'b': [1]} | tojson }}", '{"a": "<é>", "b": [1]}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        ("{{ {'a': 1} | tojson(separators=(',', ':')) }}{{ 'é' | tojson(ensure_ascii=true) }}", '{"a":1}"\\u00e9"'),
        ("{{ ['a', 'b'] | join(', ') }}{{ messages | join('/', attribute='role') }}", "a, buser"),
        ("{{ ','.join(['a', 'b']) }}{{ 'aaa'.replace('a', 'b', 2) }}{{ 'aaa' | replace('a', 'b', 1) }}", "a,bbbabaa"),
        ("{{ 'a\nb' | indent(2) }}{{ 'x' * 3 }}{{ 2 ** 10 }}{{ 7 % 4 }}{{ [0] * 2 }}", "a\n  bxxx10243[0, 0]"),
        ("{{ dict(a=1).get('a') }}{{ 'a b'.split()[-1].strip() }}{{ [3, 1] | sort | first }}", "1b1"),
        ("{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}", "['Hi']"),
        ("{{ 9 * 9 }}{{ 2.5 * 2 }}{{ true and not false }}{{ 10 // 3 }}", "815.0True3"),
    ],
)
def test_what_templates_are_written_with_works(source: str, expected: str):
    assert render(source) == expected


def test_the_time_is_told_in_the_templates_format():
    assert render("{{ strftime_now('%Y') }}") == str(datetime.now().year)
    with pytest.raises(TemplateError, match="time format of 101 characters; at most 100"):
        render("{{ strftime_now('%Y' + 99 * 'x') }}")


@pytest.mark.parametrize(
    "loop",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) if range(99999) | list | length == 0 %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% for i in range(99999) %}{{ range(99999) | map('string') | list | length }}{% endfor %}",
    ],
)
def test_a_template_that_runs_on_is_stopped(monkeypatch: pytest.MonkeyPatch, loop: str):
    monkeypatch.setattr(meter, "SECONDS", 0.1)
    started = time.thread_time()
    with pytest.raises(TemplateError, match=r"takes longer than 0.1 seconds|makes more than \d+ characters"):
        render(loop)
    assert time.thread_time() - started < 1.5


@pytest.mark.parametrize(
    "step",
    [
        "{% set ns.x = ns.x + ns.x %}",
        "{% set ns.x = ns.x ~ ns.x %}",
        "{% set ns.x = ns.x * 2 %}",
        "{% set ns.x = [ns.x, ns.x] %}",
        "{% set ns.x = (ns.x, ns.x) %}",
        "{% set ns.x = {'a': ns.x, 'b': ns.x} %}",
        "{% set ns.x = dict(a=ns.x, b=ns.x) %}",
        "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}",
        "{% set ns.x = [ns.x, ns.x] | join %}",
        "{% set ns.x = ''.join([ns.x, ns.x]) %}",
        "{% set ns.x = ns.x | replace('ab', 'abab') %}",
        "{% set ns.x = ns.x.replace('ab', 'abab') %}",
        "{% set ns.x = [ns.x] | tojson %}",
        "{% macro m() %}{{ varargs | tojson }}{% endmacro %}{% set ns.x = m(ns.x, ns.x) %}",
    ],
)
def test_what_grows_at_each_step_is_stopped(monkeypatch: pytest.MonkeyPatch, step: str):
    monkeypatch.setattr(meter, "ALLOWANCE", 100_000)
    with pytest.raises(TemplateError, match=r"makes more than 1\d{5} characters"):
        render(GROWING.replace("STEP", step))


@pytest.mark.parametrize(
    "bomb",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'a' }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ ('a' * 10 ** 6).replace('a', 'b' * 10 ** 6) }}",
        "{{ ('a' * 10 ** 6) | replace('a', 'b' * 10 ** 6) }}",
        "{{ range(99999) | join('b' * 10 ** 6) }}",
        "{{ ('b' * 10 ** 6).join('a' * 10 ** 6) }}",
        "{{ ('a\n' * 10 ** 6) | indent(10 ** 6) }}",
        "{{ messages | tojson(indent=10 ** 9) }}",
        "{{ range(99999) | list | tojson(separators=('a' * 10 ** 6, ':')) }}",
        "{{ range(99999) | map('replace', '', 'x' * 10 ** 5) | list }}",
        "{{ 7 ** (7 ** 7) }}",
        "{{ (2 ** 4000) * (2 ** 4000) }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ (1).to_bytes(10 ** 9) }}",
        "{{ 1.5 | round(10 ** 9) }}",
        "{{ lipsum(10 ** 9) }}",
        "{{ range(10 ** 9) | list }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_much_out_of_little_is_refused_before_it_is_made(bomb: str):
    started = time.thread_time()
    with pytest.raises(TemplateError):
        render(bomb)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    "escape",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(role='x') }}",
        "{{ raise_exception.__globals__['x'].y }}",
        "{{ namespace.__init__.__globals__.x }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ (messages | attr('append'))(1) }}",
        "{{ dict.fromkeys([1]) }}",
    ],
)
def test_the_insides_of_python_are_out_of_reach(escape: str):
    with pytest.raises(TemplateError, match="fails at line 1"):
        render(escape)


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        ("{% block a %}{% endblock %}", "Block"),
        ("\n{% include 'a' %}", "Include"),
        ("{% import 'a' as a %}", "Import"),
        ("{% from 'a' import b %}", "FromImport"),
        ("{% extends 'a' %}", "Extends"),
        ("{% autoescape true %}{% endautoescape %}", "ScopedEvalContextModifier"),
    ],
)
def test_tags_for_web_pages_are_refused_by_name(source: str, tag: str):
    with pytest.raises(TemplateError, match=f"uses a {tag} tag at line") as caught:
        render(source)
    assert caught.value.values["line"] == source.count("\n") + 1


def test_formatting_with_percent_says_what_to_write_instead():
    with pytest.raises(TemplateError, match="formats text with %.* Use ~ instead"):
        render("{{ '%s' % bos_token }}")


def test_a_number_that_is_too_long_is_named_by_the_limit():
    with pytest.raises(TemplateError, match="a number of more than 4096 bits"):
        render("{{ 10 ** 5000 }}")


def test_long_messages_have_a_longer_allowance():
    content = "x" * 3_000_000
    assert render("{% for i in range(4) %}{{ messages[0].content }}{% endfor %}", content) == content * 4


def test_a_long_conversation_is_no_attack():
    messages = [{"role": ("user", "assistant")[i % 2], "content": "hello " * 20} for i in range(1001)]
    source = (
        "{% for m in messages %}{{ '<' ~ m.role ~ '>' ~ (m.content | trim) }}"
        "{% if loop.last %}{{ messages | length }}{% endif %}{% endfor %}"
    )
    text = ChatTemplate(source, {}).render(messages)
    assert len(re.findall("<user>", text)) == 501
    assert text.endswith("1001")
