"""From what the visitor does to the answer that appears: a conversation, the step in it, and the page's updates."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import gradio

from unmask.base.language import language
from unmask.web.conversation import Conversation, Message, answered, asked, begun
from unmask.web.desk import Desk
from unmask.web.history import settled, shown
from unmask.web.settings import knobs
from unmask.web.status import Status
from unmask.web.talk import answer, take_back, tell_of_failure

Step = Callable[[Conversation], tuple[Conversation, Message]]
"""What the visitor's deed makes of a conversation: with the answer that is to be written, or to go on, at its end."""


@dataclass(frozen=True)
class Update:
    """What changes on the page; what is not named stays."""

    box: Any = field(default_factory=gradio.skip)
    chat: Any = field(default_factory=gradio.skip)
    status: Any = field(default_factory=gradio.skip)
    opened: Any = field(default_factory=gradio.skip)

    def outputs(self) -> list[Any]:
        return list(vars(self).values())


async def reply(
    desk: Desk, status: Status, opened: str, settings: tuple[Any, ...], step: Step, *, typed: str = ""
) -> AsyncGenerator[list[Any], None]:
    """Take a step in the conversation that is open, and write the answer to it; whatever fails, the visitor is told.

    Args:
        settings: the system prompt, the knobs, and the visitor's language.
        typed: what goes back into the message box if there is no answer.
    """
    system, *values, spoken = settings
    tongue = spoken or language()
    try:
        before, after, first = begin(desk, opened, system.strip(), tuple(values), step)
    except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
        tell_of_failure(error, tongue)
        yield Update().outputs()
        return
    cleared = {"value": ""} if typed else {}
    draft = first
    with desk.writing(after.id) as stop:
        yield Update(gradio.update(**cleared, submit_btn=False, stop_btn=True), shown(after), opened=after.id).outputs()
        try:
            async with aclosing(answer(desk, after, first, stop, tongue)) as drafts:
                async for draft in drafts:
                    line = status.line(draft.answer, tongue)
                    yield Update(chat=shown(after.plus(draft)), status=line).outputs()
            last = Update(gradio.update(**READY), drawn(desk.store.read(after.id), tongue))
        except Exception as error:  # noqa: BLE001 -- as above
            tell_of_failure(error, tongue)
            last = failed(desk, before, after, draft, typed, tongue)
        yield last.outputs()


def failed(desk: Desk, before: Conversation, after: Conversation, draft: Message, typed: str, tongue: str) -> Update:
    """What was written stays. If nothing was, the step is undone, and what was typed goes back into the box."""
    if draft not in after.messages:
        return Update(gradio.update(**READY), drawn(after.plus(draft), tongue))
    take_back(desk, before, after)
    back = {"value": typed} if typed else {}
    opened = before.id if before.messages else ""
    return Update(gradio.update(**back, **READY), drawn(before, tongue), opened=opened)


READY = {"submit_btn": True, "stop_btn": False}
"""The message box while nothing is being written."""


def begin(
    desk: Desk, opened: str, system: str, values: tuple[Any, ...], step: Step
) -> tuple[Conversation, Conversation, Message]:
    """The conversation before and after the step, the latter on disk, and the answer that is to be written.

    Raises:
        UnmaskError: if the conversation is gone or busy, or has no place on the disk.
    """
    desk.check_free(opened)
    with desk.store.lock:
        chosen = knobs(values)
        found = desk.store.read(opened) if opened else begun(system, chosen)
        before = replace(found, system=system, settings=chosen)
        after, draft = step(before)
        desk.store.write(after)
    return before, after, draft


def drawn(conversation: Conversation, tongue: str) -> Any:
    """The chat while nothing is being written."""
    messages, thumbs = settled(conversation, tongue)
    return gradio.update(value=messages, feedback_value=thumbs)


def speak(text: str, model: str, *, after: str | None) -> Step:
    """A message, after the message of this id, or at the top."""

    def step(conversation: Conversation) -> tuple[Conversation, Message]:
        question = asked(text, after=after)
        draft = answered(model, after=question.id)
        return conversation.plus(question).plus(draft), draft

    return step


def speak_next(text: str, model: str) -> Step:
    """A message at the end."""
    return lambda conversation: speak(text, model, after=conversation.leaf)(conversation)


def reword(text: str, model: str, at: int) -> Step:
    """Other words for one's own message, the one of this number on the path; what followed it stays as a branch."""
    return lambda conversation: speak(text, model, after=conversation.path()[at].parent)(conversation)


def again(model: str) -> Step:
    """Another answer beside the last one."""

    def step(conversation: Conversation) -> tuple[Conversation, Message]:
        last = conversation.path()[-1]
        draft = answered(model, after=last.parent or last.id)
        return conversation.plus(draft), draft

    return step


def resume(conversation: Conversation) -> tuple[Conversation, Message]:
    """On with the last answer, which was cut."""
    return conversation, conversation.path()[-1]
