"""The chat page: how it looks."""

from __future__ import annotations

from typing import Any

import gradio

from unmask.base.language import language, translate
from unmask.web.desk import Desk
from unmask.web.events import wire
from unmask.web.frame import Wording, follow_language, head
from unmask.web.gallery import gallery
from unmask.web.look import Looking
from unmask.web.panel import Panel
from unmask.web.settings import Settings
from unmask.web.sidebar import Sidebar


class Page:
    """Its components."""

    def __init__(self, desk: Desk) -> None:
        said = labels(language())
        self.sidebar = Sidebar()
        self.switch = head(desk.host.name)
        with gradio.Tabs():
            self.tab_chat = gradio.Tab(elem_id="tab-chat", **said["tab_chat"])
            with self.tab_chat, gradio.Row(elem_classes="beside"):
                with gradio.Column(scale=4, min_width=320, elem_classes="talking"):
                    self.talking(said)
                    self.settings = Settings(desk.host.model)
                self.panel = Panel()
            with gradio.Tab(elem_id="tab-look", **said["tab_look"]) as self.tab_look:
                self.looking = Looking(desk.host)

    def talking(self, said: dict[str, dict[str, Any]]) -> None:
        """Conversation, status, message box."""
        self.chat = gradio.Chatbot(
            show_label=False,
            elem_id="talk",
            height=None,
            layout="bubble",
            buttons=["copy"],
            editable="user",
            feedback_options=("Like", "Dislike"),
            **said["chat"],
        )
        self.status = gradio.HTML(elem_id="status")
        self.box = gradio.Textbox(
            show_label=False,
            lines=1,
            max_lines=8,
            autofocus=True,
            submit_btn=True,
            stop_btn=False,
            elem_id="box",
            **said["box"],
        )

    @property
    def wordings(self) -> list[Wording]:
        own = {name: getattr(self, name) for name in labels("en")}
        return [
            Wording(own, labels),
            self.sidebar.wording,
            self.settings.wording,
            self.panel.wording,
            self.looking.wording,
        ]


def chat_page(desk: Desk) -> Any:
    """The page as Gradio Blocks, to be mounted on the server."""
    with gradio.Blocks(title="unmask", fill_width=True, analytics_enabled=False) as blocks:
        page = Page(desk)
        spoken = follow_language(blocks, page.switch, page.wordings)
        page.looking.wire(spoken.tongue)
        wire(desk, page, spoken)
    blocks.queue(default_concurrency_limit=None)  # the line for the model is ours
    return blocks


def labels(tongue: str) -> dict[str, dict[str, Any]]:
    """What the components say."""
    return {
        "tab_chat": {"label": translate("Chat", tongue)},
        "tab_look": {"label": translate("Look inside", tongue)},
        "chat": {
            "placeholder": f"### {translate('What would you like to know?', tongue)}",
            "examples": gallery(tongue),
        },
        "box": {
            "label": translate("Message", tongue),
            "placeholder": translate("Write a message; Enter sends it, Shift+Enter starts a line", tongue),
        },
    }
