"""The deeds on the chat page that an answer follows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio

from unmask.web import replies
from unmask.web.desk import Desk
from unmask.web.history import RESUME
from unmask.web.replies import Step, Update, reply
from unmask.web.status import Status

WARM = 0.7
"""The temperature of another answer where the visitor's is 0."""

Updates = AsyncGenerator[list[Any], None]


class Answering:
    """Each updates the message box, the chat, the status and the id of the conversation that is open."""

    def __init__(self, desk: Desk, status: Status) -> None:
        self.desk = desk
        self.status = status
        self.model = desk.host.name

    async def ask(self, message: str, opened: str, *settings: Any) -> Updates:
        """A new message; the first one begins a conversation."""
        if not message.strip():
            yield Update().outputs()
            return
        async with self.reply(opened, settings, replies.speak_next(message, self.model), typed=message) as updates:
            async for update in updates:
                yield update

    async def picked(self, event: gradio.SelectData, opened: str, *settings: Any) -> Updates:
        """A prompt of the gallery."""
        step = replies.speak_next(str(event.value["text"]), self.model)
        async with self.reply(opened, settings, step) as updates:
            async for update in updates:
                yield update

    async def again(self, opened: str, *settings: Any) -> Updates:
        """Another answer, which at temperature 0 would be the same one; the one before is kept beside it."""
        system, temperature, *others = settings
        async with self.reply(opened, (system, temperature or WARM, *others), replies.again(self.model)) as updates:
            async for update in updates:
                yield update

    async def edited(self, event: gradio.EditData, opened: str, *settings: Any) -> Updates:
        """One's own message in other words."""
        step = replies.reword(str(event.value), self.model, int(event.index))
        async with self.reply(opened, settings, step) as updates:
            async for update in updates:
                yield update

    async def resumed(self, event: gradio.SelectData, opened: str, *settings: Any) -> Updates:
        """On with an answer that was cut, if that is what was chosen below it."""
        if event.value != RESUME:
            yield Update().outputs()
            return
        async with self.reply(opened, settings, replies.resume) as updates:
            async for update in updates:
                yield update

    def reply(self, opened: str, settings: tuple[Any, ...], step: Step, typed: str = "") -> aclosing[Updates]:
        """Closed at once, and not when it happens to be collected, if the visitor leaves."""
        return aclosing(reply(self.desk, self.status, opened, settings, step, typed=typed))
