"""Tools, earlier calls and their results, put as a chat template wants them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from unmask.base.errors import RequestError
from unmask.text.call_forms import Form

PREFACE = """You may call functions to help with the user's request. These are the functions, each as JSON:
<tools>
{tools}
</tools>
To call one, answer with its name and its arguments as JSON between these tags, one pair of tags for each call:
<tool_call>
{{"name": "the function's name", "arguments": {{"the argument's name": "its value"}}}}
</tool_call>"""
"""What a model is told of tools whose template has no words for them. It is for the model, so it is not translated."""


def in_form(
    form: Form, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """The messages, and the tools, as a template of this form wants them.

    Raises:
        RequestError: if a call in a message is none, or its arguments are no JSON object.
    """
    offered = [dict(tool) for tool in tools]
    told = [with_calls(dict(message), form, number) for number, message in enumerate(messages)]
    name_results(told)
    if form.metadata:
        told = [each for message in told for each in as_metadata(message)]
    if form.tools == "text":
        told = as_text(told)
    if offered and form.tools != "variable":
        told = with_system(told)
        if form.tools == "message":
            told[0] = {**told[0], "tools": offered}
        else:
            words = PREFACE.format(tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in offered))
            told[0] = {**told[0], "content": f"{told[0]['content']}\n\n{words}".strip()}
    return told, offered if offered and form.tools == "variable" else None


def with_calls(message: dict[str, Any], form: Form, number: int) -> dict[str, Any]:
    """A message whose calls have their arguments as data; templates take an empty list of calls for a call."""
    calls = message.pop("tool_calls", None)
    if message.get("role") == "tool" and "tool_call_id" in message:
        message["tool_call_id"] = fitted(message["tool_call_id"], form)
    if calls:
        message["content"] = message.get("content") or ""
        message["tool_calls"] = [
            as_data(call, form, f"messages[{number}].tool_calls[{index}]") for index, call in enumerate(calls)
        ]
    return message


def as_data(call: Any, form: Form, where: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, Mapping) else None
    name, given = (function.get("name"), function.get("arguments")) if isinstance(function, Mapping) else (None, None)
    if not isinstance(name, str) or not name:
        raise RequestError(
            "{where} is no call: it needs a function with a name and arguments, as the answer had it.", where=where
        )
    try:
        arguments = json.loads(given or "{}") if isinstance(given, str | None) else given
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, Mapping):
        raise RequestError(
            "{where}: the arguments must be a JSON object, as text; they are {given!r:.60}.", where=where, given=given
        )
    # Mistral's template prints the function as it is, so nothing else may be in it.
    return {
        "id": fitted(call.get("id", ""), form),
        "type": "function",
        "function": {"name": name, "arguments": dict(arguments)},
    }


def fitted(call_id: Any, form: Form) -> str:
    """A call's id of the length that the template wants; the same for the call and for its result."""
    text = str(call_id)
    if form.id_length is None or (len(text) == form.id_length and text.isalnum()):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[: form.id_length]


def name_results(messages: Sequence[dict[str, Any]]) -> None:
    """Tell with each result which function it is of; some templates print that."""
    names: dict[str, str] = {}
    for message in messages:
        names.update({call["id"]: call["function"]["name"] for call in message.get("tool_calls", ())})
        name = names.get(message.get("tool_call_id", ""))
        if message.get("role") == "tool" and name is not None:
            message.setdefault("name", name)


def as_metadata(message: dict[str, Any]) -> list[dict[str, Any]]:
    """GLM-4's way: a call is a message of its own, the function's name its metadata."""
    if message.get("role") == "tool":
        return [{**message, "role": "observation"}]
    calls = message.pop("tool_calls", ())
    texts = [message] if message.get("content") or not calls else []
    return texts + [
        {
            "role": "assistant",
            "metadata": call["function"]["name"],
            "content": json.dumps(call["function"]["arguments"], ensure_ascii=False),
        }
        for call in calls
    ]


def as_text(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For a template that knows of no calls: they are written out, and results are the user's words."""
    told: list[dict[str, Any]] = []
    after_result = False
    for message in messages:
        is_result = message.get("role") == "tool"
        if is_result:
            text = f"<tool_response>\n{message.get('content') or ''}\n</tool_response>"
            if after_result:
                told[-1]["content"] += f"\n{text}"
            else:
                told.append({"role": "user", "content": text})
        elif calls := message.pop("tool_calls", ()):
            written = [
                f"<tool_call>\n{json.dumps(call['function'], ensure_ascii=False)}\n</tool_call>" for call in calls
            ]
            told.append({**message, "content": "\n".join([*filter(None, [message.get("content")]), *written])})
        else:
            told.append(message)
        after_result = is_result
    return told


def with_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages, a system message first."""
    if messages and messages[0].get("role") == "system":
        return messages
    return [{"role": "system", "content": ""}, *messages]
