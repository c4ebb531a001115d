from __future__ import annotations

import pytest

from unmask.text.call_forms import GLM4, GLM4_MESSAGE, HERMES, LLAMA, MISTRAL, MISTRAL_NAMED, PLAIN, Form, form_of

# The lines of real templates that tell of calls, as far as they matter.
TEMPLATES: dict[str, tuple[Form, str]] = {
    "Qwen2.5": (
        HERMES,
        r"<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n",
    ),
    "Llama 3.2": (
        LLAMA,
        """{%- elif 'tool_calls' in message %}{{- '"parameters": ' }}{{- tool_call.arguments | tojson }}
        {%- elif message.role == "tool" or message.role == "ipython" %}""",
    ),
    "Mistral Nemo": (MISTRAL, '{{- "[TOOL_CALLS][" }}{{ tool_call.function|tojson }}'),
    "Devstral": (MISTRAL_NAMED, '{{- "[TOOL_CALLS]" + tool.function.name + "[ARGS]" + arguments }}'),
    "GLM-4-0414": (GLM4, "{%- if tools -%}{{ message.get('metadata', '') }}<|observation|>"),
    "GLM-4-9B-Chat": (
        GLM4_MESSAGE,
        "{% if item['tools'] is defined %}{{ item['tools'] }}{% endif %}{{ item['metadata'] }}{# <|observation|> #}",
    ),
    "GLM-4.6": (PLAIN, "{{ '\\n<tool_call>' + tc.name }}<arg_key>{{ k }}</arg_key>{{ tc.arguments }}</tool_call>"),
    "Qwen3-Coder": (PLAIN, "<tool_call>\\n<function=name>\\n{{ tool_call.arguments }}</tool_call>"),
    "Phi-3.5": (PLAIN, "{% for message in messages %}{{ message.content }}{% endfor %}"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_shows_how_its_model_writes_calls(name: str):
    form, template = TEMPLATES[name]
    assert form_of(template) == form
