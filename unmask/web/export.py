"""Conversations as files to take away: JSON with everything, or Markdown with what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from unmask.base.language import translate
from unmask.web.conversation import Conversation, Message
from unmask.web.store import FORM

ALL: TypeAdapter[tuple[Conversation, ...]] = TypeAdapter(tuple[Conversation, ...])


def as_json(conversation: Conversation) -> bytes:
    """All branches, ids, settings and ratings, as in our own file."""
    return FORM.dump_json(conversation, indent=1)


def all_as_json(conversations: Sequence[Conversation]) -> bytes:
    """A list of them."""
    return ALL.dump_json(tuple(conversations), indent=1)


def as_markdown(conversation: Conversation, tongue: str) -> str:
    """The path that is shown, a heading for each turn."""
    parts = [f"# {conversation.title}", f"*{conversation.created}*"]
    if conversation.system:
        parts += [f"## {translate('System prompt', tongue)}", conversation.system]
    for message in conversation.path():
        parts += [f"## {speaker(message, tongue)}", message.content]
        if message.answer and message.answer.finish != "stop":
            parts.append(f"*{cut(message, tongue)}*")
    return "\n\n".join(parts) + "\n"


def all_as_markdown(conversations: Sequence[Conversation], tongue: str) -> str:
    return "\n---\n\n".join(as_markdown(each, tongue) for each in conversations)


def speaker(message: Message, tongue: str) -> str:
    return message.answer.model if message.answer else translate("You", tongue)


def cut(message: Message, tongue: str) -> str:
    """Why an answer that did not come to its own end is as short as it is."""
    assert message.answer is not None
    if message.answer.finish == "stopped":
        return translate("stopped here", tongue)
    return translate("cut at {tokens} tokens", tongue).format(tokens=len(message.answer.tokens))
