"""The tab on which one looks inside the model while it reads a text of one's own, or a guided example."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import gradio

from unmask.base.language import language, translate
from unmask.model import Model
from unmask.server.host import Host
from unmask.views.guides import GUIDES
from unmask.views.menu import Wish, make
from unmask.views.view import View
from unmask.web.frame import Wording
from unmask.web.inside import SAVE, Begin, framed, seen, working
from unmask.web.talk import tell_of_failure

OF_TOKENS = ("tokens", "lens")
"""Views of a model that predicts tokens."""


class Looking:
    """Its components."""

    def __init__(self, host: Host) -> None:
        self.host = host
        said = self.labels(language())
        self.about = gradio.Markdown(**said["about"])
        with gradio.Row():
            with gradio.Column(scale=2):
                self.text = gradio.Textbox("", lines=2, max_lines=12, elem_id="look-text", **said["text"])
                self.kind = gradio.Radio(value="attention", elem_id="look-view", **said["kind"])
                self.word = gradio.Textbox("", lines=1, max_lines=1, visible=False, elem_id="look-word", **said["word"])
                self.look = gradio.Button(variant="primary", elem_id="look", **said["look"])
            with gradio.Column(scale=1):
                self.guides = gradio.Radio(elem_id="guides", **said["guides"])
        self.shown = gradio.HTML(elem_id="look-shown", elem_classes="shown", js_on_load=SAVE)

    @property
    def wording(self) -> Wording:
        named = {"about": self.about, "text": self.text, "kind": self.kind, "word": self.word}
        return Wording(named | {"look": self.look, "guides": self.guides}, self.labels)

    def labels(self, tongue: str) -> dict[str, dict[str, Any]]:
        """What the components say; only of what this model can show."""
        said = labels(tongue)
        if self.host.model.core.head is None:
            said["kind"]["choices"] = [each for each in said["kind"]["choices"] if each[1] not in OF_TOKENS]
        return said

    def wire(self, tongue: Any) -> None:
        """What each event does."""

        async def look(kind: str, text: str, word: str, spoken: str) -> AsyncGenerator[Any, None]:
            spoken = spoken or language()
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            texts = tuple(lines) if kind == "sense" else (text.strip(),)
            wish = Wish(kind, texts, word=word.strip() if kind == "sense" else None)
            async for page in self.pages(wish, spoken):
                yield page

        async def guide(name: str, spoken: str) -> AsyncGenerator[Any, None]:
            async for page in self.pages(Wish("guide", (name,)), spoken or language()):
                yield page

        self.kind.change(
            lambda kind: gradio.update(visible=kind == "sense"),
            self.kind,
            self.word,
            api_visibility="private",
            queue=False,
        )
        inputs = [self.kind, self.text, self.word, tongue]
        self.look.click(look, inputs, self.shown, api_name="look", show_progress="hidden")
        self.guides.input(guide, [self.guides, tongue], self.shown, api_name="guide", show_progress="hidden")

    async def pages(self, wish: Wish, tongue: str) -> AsyncGenerator[Any, None]:
        yield working(tongue)
        try:
            async for view in seen(self.host, wished(self.host.model, wish, tongue), tongue):
                yield gradio.skip() if view is None else framed(view, wish.kind, tongue)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
            tell_of_failure(error, tongue)
            yield ""


def wished(model: Model, wish: Wish, tongue: str) -> Begin:
    """Work for the model: the one view."""

    def begin() -> Generator[View, None, None]:
        return (make(wish, model.core, model.reader, tongue=tongue) for _ in range(1))

    return begin


def labels(tongue: str) -> dict[str, dict[str, Any]]:
    """What the components say."""
    kinds = {
        "attention": translate("Attention: which words it looks at", tongue),
        "tokens": translate("Probabilities: what it expected", tongue),
        "lens": translate("Layers: what it would say after each", tongue),
        "sense": translate("Senses: one word in several sentences", tongue),
        "positions": translate("Positions: what the order of words does", tongue),
    }
    return {
        "about": {"value": translate("Give the model a text to read, and see what goes on inside it.", tongue)},
        "text": {
            "label": translate("Text", tongue),
            "placeholder": translate("A sentence or a paragraph; for senses, a sentence a line", tongue),
        },
        "kind": {"label": translate("What to see", tongue), "choices": [(text, kind) for kind, text in kinds.items()]},
        "word": {"label": translate("The word that all sentences have", tongue)},
        "look": {"value": translate("Look", tongue)},
        "guides": {
            "label": translate("Or an explained example", tongue),
            "choices": [(guide.title(tongue), name) for name, guide in GUIDES.items()],
        },
    }
