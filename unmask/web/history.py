"""A conversation as the chat component shows it."""

from __future__ import annotations

from typing import Any

from unmask.base.language import translate
from unmask.web.conversation import Conversation, Message

LOOK, RESUME, OTHER = "look", "resume", "other"
"""What the buttons under the last answer ask for."""
THUMBS = {"up": "Like", "down": "Dislike"}
"""The component's own names."""


def shown(conversation: Conversation) -> list[dict[str, Any]]:
    """The messages of its path; dots stand for an answer that has no words yet."""
    # A text in parts, since the component takes the indent off one that comes whole.
    return [
        {"role": message.role, "content": [{"type": "text", "text": message.content or "…"}]}
        for message in conversation.path()
    ]


def settled(conversation: Conversation, tongue: str) -> tuple[list[dict[str, Any]], list[str | None]]:
    """The messages while none is being written, the last one with its buttons; and the thumb of each answer."""
    path = conversation.path()
    messages = shown(conversation)
    if path and path[-1].answer:
        messages[-1]["options"] = options(conversation, path[-1], tongue)
    return messages, [THUMBS.get(message.answer.rating or "") for message in path if message.answer]


def options(conversation: Conversation, message: Message, tongue: str) -> list[dict[str, str]]:
    """The buttons under an answer."""
    assert message.answer is not None
    found = [{"value": LOOK, "label": translate("Look inside", tongue)}]
    match message.answer.finish:
        case "stopped":
            found.append({"value": RESUME, "label": translate("Stopped here. Continue", tongue)})
        case "length":
            label = translate("Cut at {tokens} tokens. Continue", tongue).format(tokens=len(message.answer.tokens))
            found.append({"value": RESUME, "label": label})
    branches = conversation.branches(message)
    if len(branches) > 1:
        number = branches.index(message) + 1
        label = translate("Answer {number} of {count}: show the next", tongue).format(
            number=number, count=len(branches)
        )
        found.append({"value": OTHER, "label": label})
    return found
