"""The ways in which models write calls, told apart by marks that stand in their chat templates."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

OBJECT = r'\{\s*"name"\s*:\s*"(?P<name>[^"\\]+)"\s*,\s*"(?:arguments|parameters)"\s*:\s*'
ARRAY = r"\s*\[?\s*"
"""What may stand before the first object: some models write a list, of one even."""


@dataclass(frozen=True)
class Form:
    """One way to write calls; each is a name and a JSON object of arguments.

    Args:
        signs: texts that stand in every template of this form; none of `strangers` does.
        opening: mark before a call, or before a list of them.
        closing: mark behind it.
        bare: an answer may begin with a call without the opening.
        named: the name is outside the JSON object, which is the arguments; otherwise the object has both.
        listed: calls stand in a list.
        head: what is between the opening and the JSON object.
        begin: what a call begins with, `%s` for its name; where they stand in a list, without its bracket.
        end: what it ends with after its arguments.
        between: what is between one call and the next; None where an answer has but one.
        tools: how a template is told of them: in a variable, in the system message's field, or (it knows of none) in
            words of ours. A template that knows none gets earlier calls and results as text, too.
        metadata: an earlier call is an assistant's message with its name as "metadata", a result an "observation".
        id_length: characters of a call's id, where the template is particular about it.
    """

    signs: tuple[str, ...]
    strangers: tuple[str, ...] = ()
    opening: str = ""
    closing: str = ""
    bare: bool = False
    named: bool = False
    listed: bool = False
    head: str = ARRAY
    begin: str = '{"name": "%s", "arguments": '
    end: str = "}"
    between: str | None = None
    tools: Literal["variable", "message", "text"] = "variable"
    metadata: bool = False
    id_length: int | None = None

    def fresh_id(self) -> str:
        """An id for a call that the model wrote."""
        name = secrets.token_hex(12)
        return f"call_{name}" if self.id_length is None else name[: self.id_length]

    @property
    def lead(self) -> re.Pattern[str]:
        """What is between the opening and the object of arguments, where a grammar had a call written."""
        return re.compile((self.head if self.named else self.head + OBJECT) + r"(?=\{)")


HERMES = Form(
    signs=("<tool_call>", "</tool_call>", "arguments"),
    strangers=("<arg_key>", "<function=", "<parameter", "]<]"),
    opening="<tool_call>",
    closing="</tool_call>",
    begin='\n{"name": "%s", "arguments": ',
    end="}\n",
    between="\n",
)
"""Hermes 2 Pro and its many followers, Qwen2.5 and Qwen3 among them."""

LLAMA = Form(
    signs=('"parameters": ', "ipython", "tool_calls"),
    strangers=("<function=",),
    opening="<|python_tag|>",
    bare=True,
    begin='{"name": "%s", "parameters": ',
)
"""Llama 3.1 to 3.3: the whole answer is the call."""

MISTRAL = Form(signs=("[TOOL_CALLS]",), opening="[TOOL_CALLS]", closing="]", listed=True, between=", ", id_length=9)
"""Mistral 7B v0.3, Nemo: a list of calls."""

MISTRAL_NAMED = Form(
    signs=("[TOOL_CALLS]", "[ARGS]"),
    opening="[TOOL_CALLS]",
    named=True,
    head=r"\s*(?P<name>[^\s\[{]+)(?:\[CALL_ID\]\w*)?\[ARGS\]\s*",
    begin="%s[ARGS]",
    end="",
    between="",
    id_length=9,
)
"""Mistral's later ones (Devstral, Ministral 3): a mark before each name and one behind it."""

GLM4 = Form(
    signs=("<|observation|>", "metadata", "tools"),
    bare=True,
    named=True,
    head=r"\s*(?P<name>[^\s{]+)[ \t]*\n\s*",
    begin="%s\n",
    end="",
    metadata=True,
)
"""GLM-4 (0414): the name is the answer's first line."""

GLM4_MESSAGE = replace(GLM4, signs=(*GLM4.signs, "['tools'] is defined"), tools="message")
"""GLM-4-9B-Chat, whose template looks for tools in the system message."""

PLAIN = replace(HERMES, signs=(), tools="text")
"""Every other template: tools are described in words of ours, and calls asked for in the commonest form."""

FORMS: Sequence[Form] = (MISTRAL_NAMED, MISTRAL, HERMES, LLAMA, GLM4_MESSAGE, GLM4)
WORDS = ("<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]")
"""Marks that may be tokens by themselves, which no text would show."""


def form_of(template: str) -> Form:
    """The form of a template's calls; PLAIN where it has none, or one that we do not know."""
    for form in FORMS:
        if all(sign in template for sign in form.signs) and not any(each in template for each in form.strangers):
            return form
    return PLAIN
