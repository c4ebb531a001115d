"""Conversations to test with."""

from __future__ import annotations

from dataclasses import replace

from unmask.web.conversation import Answer, Conversation, Message, answered, asked


def exchanged(before: Conversation, question: str, answer: str, **known: object) -> Conversation:
    """The conversation with a question and its answer at its end; `known` is of the answer."""
    said = asked(question, after=before.leaf)
    return before.plus(said).plus(replied(said, answer, **known))


def replied(question: Message, text: str, **known: object) -> Message:
    draft = answered("tiny", after=question.id)
    return replace(draft, content=text, answer=Answer(**({"model": "tiny", "finish": "stop"} | known)))


def texts(conversation: Conversation) -> list[str]:
    return [message.content for message in conversation.path()]
