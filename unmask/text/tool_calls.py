"""Functions that a model may call: told to it in its template's words, and found again in what it writes.

    calling = calling_of(template, tokenizer)
    messages, offered = calling.conversation(messages, tools)  # for ChatTemplate.render(messages, tools=offered)
    lark = calling.grammar(tools, required=False, parallel=True)  # what the answer must look like, or None
    parser = calling.parser(tools, certain=lark is not None)
    for piece in pieces:
        events = parser.push(piece.text, piece.id)
    events = parser.flush()

Tools are as OpenAI's clients send them: {"type": "function", "function": {"name", "description", "parameters"}}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmask.text.call_forms import WORDS, Form, form_of
from unmask.text.call_grammar import call_grammar
from unmask.text.call_history import in_form
from unmask.text.call_parser import CallArguments, CallBegins, CallDone, CallParser, Event, Said
from unmask.text.chat import ChatTemplate, Message
from unmask.text.tokenizer import Tokenizer

__all__ = ["CallArguments", "CallBegins", "CallDone", "CallParser", "Calling", "Event", "Said", "Tool", "calling_of"]

Tool = Mapping[str, Any]


@dataclass(frozen=True)
class Calling:
    """How one model is told of tools, and how it writes its calls.

    `marks`: control tokens, which no text shows, that are marks of calls -> their spelling.
    """

    form: Form
    marks: Mapping[int, str]

    def conversation(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        """The messages as the template wants them, and what to give it as `tools`.

        Needed without tools, too: earlier calls (`tool_calls`, their arguments JSON texts) and their results (role
        "tool") are put into the template's form.

        Raises:
            RequestError: if a call in a message is none, or its arguments are no JSON object.
        """
        return in_form(self.form, messages, tools)

    def grammar(self, tools: Sequence[Tool], *, required: bool, parallel: bool) -> str | None:
        """What the answer must look like, as a Lark grammar; None where nothing can be demanded of it.

        Args:
            tools: those that may be called; only one where the request names it.
            required: the answer is a call. Otherwise it is text in which whatever begins as a call goes on as one.
            parallel: there may be several calls.
        """
        ids = {word: token for token, word in self.marks.items()}
        return call_grammar(self.form, ids, tools, required=required, parallel=parallel)

    def parser(self, tools: Sequence[Tool], *, certain: bool) -> CallParser:
        """What reads one answer.

        Args:
            certain: a grammar holds the answer to the form: arguments are told as they come, and a call that the
                answer's limit cuts stays without its CallDone. Otherwise a call is told when it is whole, and a broken
                one is text.
        """
        return CallParser(self.form, {tool["function"]["name"] for tool in tools}, self.marks, certain=certain)


def calling_of(template: ChatTemplate, tokenizer: Tokenizer) -> Calling:
    """How the model with this template calls tools, as the template's own text shows it."""
    marks = {token: word for word in WORDS if (token := tokenizer.id(word)) in tokenizer.controls and token is not None}
    return Calling(form_of(template.source), marks)
