"""Messages -> the text that a model was trained to read them in, by the template that came with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from unmask.base.errors import RequestError, TemplateError, UnmaskError

if TYPE_CHECKING:
    from jinja2.environment import Template

Message = Mapping[str, Any]  # role, content, and whatever else the template reads

LONGEST_TEMPLATE = 131_072  # characters, which take some seconds to compile; the longest in use have some 40,000


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template in the dialect of the Hub's models, and the texts of the special tokens that it may write.

    It is compiled when it is first used, so that a broken template does not keep its model from other work.
    """

    source: str
    specials: Mapping[str, str]

    def render(
        self,
        messages: Sequence[Message],
        *,
        answer: bool = True,
        tools: Sequence[Mapping[str, Any]] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> str:
        """The conversation as one text; with `answer` it ends where the model's next turn begins.

        Args:
            tools: functions that the model may call, as OpenAI describes them.
            settings: the template's own switches, such as `enable_thinking`: plain data, as JSON has it.
        Raises:
            RequestError: if a message is not one; says which.
            TemplateError: if the template is wrong, refuses the messages, or makes too much or takes too long.
        """
        if not isinstance(messages, list | tuple) or not messages:
            raise RequestError("A conversation needs at least one message: {example}", example=EXAMPLE)
        own = {
            **self.specials,
            "messages": [checked(message, index) for index, message in enumerate(messages)],
            "add_generation_prompt": answer,
            "tools": tools,
        }
        taken = sorted(own.keys() & (settings or {}).keys())
        if taken:
            raise RequestError("The template's variable {name} is not a setting. Leave it out.", name=taken[0])
        variables = {"documents": None, **(settings or {}), **own}
        try:
            return self.template.render(variables)
        except UnmaskError:
            raise
        except Exception as error:  # a template can run into any error there is
            raise failure(error) from error

    def resume(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> str:
        """The conversation as one text that ends in the middle of its last message, for the model to go on with it.

        Args:
            tools, settings: as for `render`.
        Raises:
            RequestError: if the last message is not the model's own.
            TemplateError: as `render` does, or if the template does not show the last message.
        """
        if not messages or messages[-1].get("role") != "assistant":
            raise RequestError(
                "Only an answer can be gone on with: the last message must have the role {role!r}.", role="assistant"
            )
        *before, last = messages
        marked = [*before, {**last, "content": f"{last['content']}{MARK}"}]
        text, mark, _ = self.render(marked, answer=False, tools=tools, settings=settings).rpartition(MARK)
        if not mark:
            raise TemplateError("The chat template leaves the last answer out, so nobody can go on with it.")
        return text

    @cached_property
    def template(self) -> Template:
        from unmask.text.fence import compile_template

        if len(self.source) > LONGEST_TEMPLATE:
            raise TemplateError(
                "The chat template has {size} characters; at most {limit} are allowed. Give the model a shorter one.",
                size=len(self.source),
                limit=LONGEST_TEMPLATE,
            )
        try:
            return compile_template(self.source)
        except UnmaskError:
            raise
        except Exception as error:  # Jinja leaves some wrong templates to Python's compiler
            raise failure(error) from error


MARK = "\ue000\uf8ff\ue000"
"""Characters that no text has a use for; where they come out is where an answer ended."""
EXAMPLE = '[{"role": "user", "content": "Hello"}]'


def checked(message: object, index: int) -> dict[str, Any]:
    """A message as plain data, its content one text.

    Raises:
        RequestError: if it has no role or content of the right kind, or holds what JSON cannot.
    """
    if not isinstance(message, Mapping):
        raise RequestError("Message {index} is no mapping: write it as in {example}", index=index, example=EXAMPLE)
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise RequestError('Message {index} needs a role such as "user"; it has {role!r:.60}.', index=index, role=role)
    try:
        # Through JSON and back: what a template gets has no methods but those of plain data.
        plain: dict[str, Any] = json.loads(json.dumps(dict(message)))
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(
            "Message {index} is not plain data: {reason:.200}. Use only what JSON can hold.",
            index=index,
            reason=str(error),
        ) from error
    return {**plain, "content": flatten(plain.get("content"), index)}


def flatten(content: object, index: int) -> str:
    """A message's content, a text or a list of text parts, as one text; parts are joined by line ends."""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind != "text":
            raise TemplateError(
                "Message {index} has a part of type {kind!r:.60}; this model reads text only. Leave the part out.",
                index=index,
                kind=kind,
            )
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            raise RequestError(
                "Message {index} needs a text as its content, or a list of text parts; it has {content!r:.60}.",
                index=index,
                content=text,
            )
        texts.append(text)
    return "\n".join(texts)


def failure(error: Exception) -> TemplateError:
    """Why a template failed, and in which of its lines."""
    # A SyntaxError comes from Python's compiler, and its line is one of the code that Jinja made.
    line = None if isinstance(error, SyntaxError) else getattr(error, "lineno", None)
    for frame, number in walk_tb(error.__traceback__):
        if frame.f_code.co_filename == "<template>":
            line = number
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return TemplateError(
        "The chat template fails at line {line}: {reason:.300}. Correct it, or use generate, which needs no template.",
        line=line or "?",
        reason=reason,
    )
