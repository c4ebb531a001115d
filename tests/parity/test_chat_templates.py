"""Conversations as transformers' apply_chat_template reads them, in the ways of writing templates that models have."""

from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from unmask.checkpoints.gguf import open_gguf
from unmask.text.chat import ChatTemplate
from unmask.text.formats import gguf_template

SPECIALS = {"bos_token": "<|begin|>", "eos_token": "<|end|>"}

# One expression a message, as in SmolLM2.
CHATML = r"""{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}
{{ '<|im_start|>system
You help.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}"""

# Variables set in a loop and its counter, as in Llama 3.
LOOP = r"""{% set loop_messages = messages %}{% for message in loop_messages %}
{% set content = '<|start|>' + message['role'] + '<|stop|>\n\n'+ message['content'] | trim + '<|eot|>' %}
{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}
{% if add_generation_prompt %}{{ '<|start|>assistant<|stop|>\n\n' }}{% endif %}"""

# Defaults for what is not defined and slices, as in Llama 3.1.
DEFAULTS = r"""{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message goes first. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|system|>" }}
{%- if tools is not none %}
    {{- "Environment: ipython\n" }}
{%- endif %}
{{- "Today: " + date_string + "\n\n" + system_message + "<|eot|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|' + message['role'] + '|>\n\n'+ message['content'] | trim + '<|eot|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>\n\n' }}
{%- endif %}
"""

# Tools that are not there, as in Qwen2.5.
TOOLS = r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>system\nYou help.<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- for tool_call in message.tool_calls %}
            {{- tool_call.arguments | tojson }}
        {%- endfor %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""

# A namespace, a reversed list and methods of strings, as in Qwen3.
REASONING = r"""{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string
           and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- set reasoning = '' %}
    {%- if message.reasoning_content is defined and message.reasoning_content is not none %}
        {%- set reasoning = message.reasoning_content %}
    {%- elif '</think>' in content %}
        {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
    {%- endif %}
    {%- if loop.index0 > ns.last and (loop.last or (not loop.last and reasoning)) %}
        {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\n' + content }}
    {%- endif %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"""

# What else the dialect has: macros, marked answers, filters, loops with conditions and pairs, JSON.
THE_REST = r"""{%- macro turn(role, text) -%}
[{{ role | upper }}] {{ text | trim }}
{%- if role == 'assistant' %}{% generation %}{{ eos_token }}{% endgeneration %}{% endif %}
{%- endmacro -%}
{% set seen = namespace(roles=[]) %}
  {% for m in messages if m.content %}
    {%- set seen.roles = seen.roles + [m.role] %}
{{ turn(m['role'], m['content']) }}
  {% endfor %}
{{ seen.roles | unique | sort | join('+') }} {{ messages | tojson }}
{{ {'a': ['é', 1.5, none]} | tojson(indent=2) }} {{ dict(b='<&>') | tojson(separators=(',', ':')) }}
{% for name, count in [('a', 1), ('b', 2), ('c', 3)] %}
{% if count == 3 %}{% break %}{% endif %}{{ name ~ count }}{{ ', ' if not loop.last }}
{% endfor %}
{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | last | replace('1', 'one') }}
"""

TEMPLATES = {
    "chatml": CHATML,
    "loop": LOOP,
    "defaults": DEFAULTS,
    "tools": TOOLS,
    "reasoning": REASONING,
    "the rest": THE_REST,
}

CONVERSATIONS = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "你好 <b>&"}],
    [
        {"role": "user", "content": "  What's 1+1? "},
        {"role": "assistant", "content": "<think>\nAdd them.\n</think>\n\n2"},
        {"role": "user", "content": "\n再来一次"},
    ],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>b</think>c"}],
    [{"role": "user", "content": "a1"}, {"role": "assistant", "content": "c", "reasoning_content": "b"}],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": "{{ 1 }} {% x %}", "name": "Ann"}],
]


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("answer", [True, False])
def test_a_conversation_reads_as_with_transformers(name: str, answer: bool):
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({"<|begin|>": 0, "<|end|>": 1}, []))
    theirs = PreTrainedTokenizerFast(tokenizer_object=backend, **SPECIALS)
    template = ChatTemplate(TEMPLATES[name], SPECIALS)
    for messages in CONVERSATIONS:
        plain = [
            {key: value for key, value in message.items() if name != "the rest" or key in ("role", "content")}
            for message in messages
        ]
        expected = theirs.apply_chat_template(
            plain, chat_template=TEMPLATES[name], tokenize=False, add_generation_prompt=answer
        )
        assert template.render(plain, answer=answer) == expected


def test_the_real_template_reads_as_with_transformers(smollm2: Path):
    theirs = AutoTokenizer.from_pretrained(smollm2.parent, gguf_file=smollm2.name)
    template = gguf_template(open_gguf(smollm2).metadata)
    assert template is not None
    for messages in CONVERSATIONS:
        expected = theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert template.render(messages) == expected
