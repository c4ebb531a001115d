"""Which button of the chat page does what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio

from unmask.web.answering import Answering
from unmask.web.browsing import Browsing
from unmask.web.desk import Desk
from unmask.web.frame import Language
from unmask.web.sidebar import ADDRESS, FOLD, confirmation
from unmask.web.status import Status

if TYPE_CHECKING:
    from unmask.web.chat import Page

HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUICK: dict[str, Any] = {**HIDDEN, "queue": False}


def wire(desk: Desk, page: Page, spoken: Language) -> None:
    """Connect the page."""
    status, tongue = Status(desk.host), spoken.tongue
    browsing, side = Browsing(desk, status), page.sidebar
    opened, chat = side.opened, page.chat
    listed = ([opened, side.search, tongue], side.outputs)
    asking = wire_answering(Answering(desk, status), page, tongue)
    for event in asking:
        event.then(browsing.listed, *listed, **QUICK)
    page.box.stop(desk.stop, opened, None, **QUICK)

    arrived = spoken.loaded.then(browsing.arrive, tongue, at_rest(page), **QUICK)
    arrived.then(browsing.listed, *listed, **QUICK).then(None, None, None, js=FOLD, **QUICK)
    spoken.changed.then(browsing.redraw, [opened, tongue], [chat, page.status], **QUICK)
    spoken.changed.then(browsing.listed, *listed, **QUICK)
    for trigger in (opened.change, side.search.change):
        trigger(browsing.listed, *listed, trigger_mode="always_last", **QUICK)
    opened.change(None, opened, None, js=ADDRESS, **QUICK)
    side.title.submit(browsing.rename, [side.title, opened, tongue], None, **QUICK).then(
        browsing.listed, *listed, **QUICK
    )
    wire_leaving(browsing, page, tongue)

    chat.like(browsing.judge, [opened, tongue], chat, **QUICK)
    chat.option_select(browsing.other, [opened, tongue], [chat, page.status], **QUICK)
    page.panel.wire(desk, chat, opened, tongue)


def wire_answering(answering: Answering, page: Page, tongue: Any) -> list[Any]:
    """The events that an answer follows."""
    inputs = [page.sidebar.opened, *page.settings.inputs, tongue]
    outputs = [page.box, page.chat, page.status, page.sidebar.opened]
    return [
        page.box.submit(answering.ask, [page.box, *inputs], outputs, api_name="chat", show_progress="hidden"),
        page.chat.example_select(answering.picked, inputs, outputs, **HIDDEN),
        page.chat.retry(answering.again, inputs, outputs, api_name="again", show_progress="hidden"),
        page.chat.edit(answering.edited, inputs, outputs, **HIDDEN),
        page.chat.option_select(answering.resumed, inputs, outputs, **HIDDEN),
    ]


def wire_leaving(browsing: Browsing, page: Page, tongue: Any) -> None:
    """What opens another conversation ends the answer that is being written in this one; what was shown of it stays."""
    side = page.sidebar
    doomed = gradio.Textbox("", visible=False)  # changes only if the visitor means it

    # In the queue, whose updates come to the page in their order: after the last one of the answer that is ended.
    def leave(trigger: Any, handler: Any, *inputs: Any) -> None:
        left = trigger(handler, [*inputs, side.opened, tongue], at_rest(page), **HIDDEN)
        left.then(None, None, None, js=FOLD, **QUICK)

    leave(side.found.input, browsing.leave, side.found)
    leave(side.fresh.click, browsing.leave_for_new)
    leave(doomed.change, browsing.delete, doomed)
    side.delete.click(None, [side.opened, tongue], [doomed, tongue], js=confirmation(), **QUICK)


def at_rest(page: Page) -> list[Any]:
    """What shows a conversation in which nothing is being written."""
    return [page.sidebar.opened, page.box, page.chat, page.status, page.panel.column, *page.settings.inputs]
