"""The panel beside the chat that shows what went on inside the model at one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import gradio

from unmask.base.language import language, translate
from unmask.web.desk import Desk
from unmask.web.frame import Wording
from unmask.web.history import LOOK
from unmask.web.inside import SAVE, framed, of_answer, seen, working
from unmask.web.talk import tell_of_failure

Updates = AsyncGenerator[list[Any], None]

SELECTION = "(opened, tongue, selected) => [opened, tongue, window.getSelection().toString()]"
"""JavaScript: who selects words of an answer, to copy them, does not mean to look inside it."""


REVEAL = """() => {
    const panel = document.querySelector("#inside");
    if (panel && window.innerWidth <= 768) panel.scrollIntoView({ behavior: "smooth" });
}"""
"""JavaScript that brings the panel into sight where it is below the chat and not beside it."""


class Panel:
    """Its components."""

    def __init__(self) -> None:
        said = labels(language())
        with gradio.Column(scale=5, min_width=320, visible=False, elem_id="inside") as self.column:
            self.close = gradio.Button(size="sm", elem_id="inside-close", **said["close"])
            with gradio.Tabs():
                with gradio.Tab(**said["tab_tokens"]) as self.tab_tokens:
                    self.tokens = gradio.HTML(elem_id="inside-tokens", elem_classes="shown", js_on_load=SAVE)
                with gradio.Tab(**said["tab_attention"]) as self.tab_attention:
                    self.attention = gradio.HTML(elem_id="inside-attention", elem_classes="shown", js_on_load=SAVE)
        self.selection = gradio.Textbox("", visible=False)

    @property
    def wording(self) -> Wording:
        return Wording({name: getattr(self, name) for name in labels("en")}, labels)

    def wire(self, desk: Desk, chat: Any, opened: Any, tongue: Any) -> None:
        """Open it for an answer that is clicked on, or by the button below the last one."""
        outputs = [self.column, self.tokens, self.attention]

        async def clicked(event: gradio.SelectData, conversation: str, spoken: str, selection: str) -> Updates:
            at = event.index if isinstance(event.index, int) else event.index[0]
            if selection:
                yield [gradio.skip()] * 3
                return
            async for update in looked(desk, conversation, at, spoken or language()):
                yield update

        async def chosen(event: gradio.SelectData, conversation: str, spoken: str) -> Updates:
            if event.value != LOOK:
                yield [gradio.skip()] * 3
                return
            async for update in looked(desk, conversation, -1, spoken or language()):
                yield update

        hidden = {"api_visibility": "private", "show_progress": "hidden"}
        for event in (
            chat.select(clicked, [opened, tongue, self.selection], outputs, js=SELECTION, **hidden),
            chat.option_select(chosen, [opened, tongue], outputs, **hidden),
        ):
            event.then(None, None, None, js=REVEAL, queue=False, **hidden)
        self.close.click(shut, None, outputs, queue=False, **hidden)


def shut() -> list[Any]:
    return [gradio.update(visible=False), "", ""]


async def looked(desk: Desk, opened: str, at: int, tongue: str) -> Updates:
    """The panel with the views of the answer that has this number on the path, each when it is there."""
    pages: list[str] = []
    try:
        conversation = desk.store.read(opened)
        message = conversation.path()[at]
        if message.answer is None or not message.content:
            yield [gradio.skip()] * 3
            return
        yield [gradio.update(visible=True), working(tongue), working(tongue)]
        async for view in seen(desk.host, of_answer(desk.host.model, conversation, message, tongue), tongue):
            if view is None:
                yield [gradio.skip()] * 3
            elif not pages:
                pages.append(framed(view, "tokens", tongue))
                yield [gradio.skip(), pages[0], gradio.skip()]
            else:
                yield [gradio.skip(), gradio.skip(), framed(view, "attention", tongue)]
    except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
        tell_of_failure(error, tongue)
        yield [gradio.skip(), gradio.skip(), ""] if pages else shut()


def labels(tongue: str) -> dict[str, dict[str, str]]:
    """What the components say."""
    return {
        "close": {"value": translate("Close", tongue)},
        "tab_tokens": {"label": translate("Token probabilities", tongue)},
        "tab_attention": {"label": translate("Attention", tongue)},
    }
