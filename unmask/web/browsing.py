"""The deeds on the chat page that need no model: open, rename, delete, judge, show another answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from typing import Any

import gradio

from unmask.base.errors import UnmaskError
from unmask.base.language import language
from unmask.web import sidebar
from unmask.web.conversation import Conversation, Rating, titled
from unmask.web.desk import Desk
from unmask.web.history import OTHER
from unmask.web.knobs import advised
from unmask.web.replies import READY, drawn
from unmask.web.status import Status
from unmask.web.talk import tell_of_failure

RATINGS: dict[bool | str, Rating] = {True: "up", False: "down"}
"""What the chat component calls them; anything else is a thumb taken back."""


class Browsing:
    """Handlers; what each of them updates is said where it is wired."""

    def __init__(self, desk: Desk, status: Status) -> None:
        self.desk = desk
        self.status = status
        self.advice = advised(desk.host.model)

    def arrive(self, spoken: str, request: gradio.Request) -> list[Any]:
        """Open what the address names. If it names nothing only the status is drawn: one may have asked already."""
        conversation = str(request.query_params.get("conversation", ""))
        if conversation:
            return self.open(conversation, spoken)
        skip, settings = gradio.skip(), [gradio.skip() for _ in ("system prompt", *astuple(self.advice))]
        return [skip, skip, skip, self.line(None, spoken or language()), skip, *settings]

    def open(self, conversation: str, spoken: str) -> list[Any]:
        """The id, message box, chat, status, panel, system prompt and knobs; a new conversation for an empty id."""
        tongue = spoken or language()
        found = None
        try:
            found = self.desk.store.read(conversation) if conversation else None
        except UnmaskError as error:
            tell_of_failure(error, tongue)
        settings = (found.system, *astuple(found.settings)) if found else ("", *astuple(self.advice))
        return [
            found.id if found else "",
            gradio.update(**READY),
            drawn(found, tongue) if found else gradio.update(value=[], feedback_value=[]),
            self.line(found, tongue),
            gradio.update(visible=False),
            *settings,
        ]

    async def leave(self, conversation: str, opened: str, spoken: str) -> list[Any]:
        """As `open`, after the end of the answer that is being written in `opened`."""
        await self.desk.end(opened)
        return self.open(conversation, spoken)

    async def leave_for_new(self, opened: str, spoken: str) -> list[Any]:
        return await self.leave("", opened, spoken)

    async def delete(self, conversation: str, opened: str, spoken: str) -> list[Any]:
        """Away with it, and on to a new one."""
        await self.desk.end(opened)
        try:
            self.desk.store.delete(conversation)
        except UnmaskError as error:
            tell_of_failure(error, spoken or language())
        return self.open("", spoken)

    def line(self, conversation: Conversation | None, tongue: str) -> str:
        path = conversation.path() if conversation else ()
        return self.status.line(path[-1].answer if path else None, tongue)

    def listed(self, opened: str, query: str, spoken: str) -> list[Any]:
        """The sidebar."""
        tongue = spoken or language()
        try:
            return sidebar.updates(self.desk.store, opened, query, tongue)
        except UnmaskError as error:
            tell_of_failure(error, tongue)
            return [gradio.skip()] * 5

    def redraw(self, opened: str, spoken: str) -> list[Any]:
        """The chat and the status in the language that was switched to; an answer being written redraws itself."""
        if opened in self.desk.answers:
            return [gradio.skip()] * 2
        _, _, chat, line, *_ = self.open(opened, spoken)
        return [chat, line]

    def rename(self, title: str, opened: str, spoken: str) -> None:
        """Nothing happens if there is no title, or nothing to give it to."""
        if opened and title.strip():
            self.change(opened, spoken, lambda now: replace(now, title=titled(title)))

    def other(self, event: gradio.SelectData, opened: str, spoken: str) -> list[Any]:
        """The chat and the status with the next of several answers, if that is what was chosen below the last one."""
        if event.value != OTHER or opened in self.desk.answers:
            return [gradio.skip()] * 2
        self.change(opened, spoken, next_answer)
        return self.redraw(opened, spoken)

    def judge(self, event: gradio.LikeData, opened: str, spoken: str) -> Any:
        """The chat with the thumb of an answer, which is written down; the same thumb again takes it back."""
        rating, at = RATINGS.get(event.liked), int(event.index)

        def rated(now: Conversation) -> Conversation:
            message = now.path()[at]
            assert message.answer is not None
            return now.holding(replace(message, answer=replace(message.answer, rating=rating)))

        changed = self.change(opened, spoken, rated)
        if changed is None:
            return gradio.skip()
        try:
            self.desk.preferences.note(changed, changed.path()[at])
        except UnmaskError as error:
            tell_of_failure(error, spoken or language())
        return gradio.skip() if opened in self.desk.answers else drawn(changed, spoken or language())

    def change(self, opened: str, spoken: str, edit: Callable[[Conversation], Conversation]) -> Conversation | None:
        """The conversation changed, or None and the visitor told why not."""
        try:
            return self.desk.store.change(opened, edit)
        except UnmaskError as error:
            tell_of_failure(error, spoken or language())
            return None


def next_answer(conversation: Conversation) -> Conversation:
    """With the next branch of the last message shown, after the last one the first."""
    last = conversation.path()[-1]
    branches = conversation.branches(last)
    return conversation.showing(branches[(branches.index(last) + 1) % len(branches)])
