"""The page of a model that translates: lines on the left, theirs on the right, and where it looked below."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio

from unmask.base.language import language, translate
from unmask.generation.search import Search
from unmask.server.host import Host, Waiting
from unmask.translator import Translation, Translator
from unmask.views.alignment import alignment_view
from unmask.views.view import View
from unmask.web.frame import Wording, follow_language, head
from unmask.web.inside import SAVE, framed, seen, working
from unmask.web.talk import tell_of_failure

MOST_BEAMS = 16


class Translating:
    """The page's components."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator
        said = labels(language())
        self.about = gradio.Markdown(**said["about"])
        with gradio.Row():
            self.text = gradio.Textbox(lines=8, max_lines=24, autofocus=True, elem_id="source", **said["text"])
            self.made = gradio.Textbox(lines=8, max_lines=24, interactive=False, elem_id="translation", **said["made"])
        with gradio.Row():
            beams = translator.search.beams
            self.beams = gradio.Slider(1, max(MOST_BEAMS, beams), beams, step=1, elem_id="beams", **said["beams"])
            self.translate = gradio.Button(variant="primary", elem_id="translate", **said["translate"])
        self.line = gradio.Dropdown([], visible=False, elem_id="line", **said["line"])
        self.shown = gradio.HTML(elem_id="alignment", elem_classes="shown", js_on_load=SAVE)
        self.lines = gradio.State([])

    @property
    def wording(self) -> Wording:
        return Wording({name: getattr(self, name) for name in labels("en")}, labels)

    def wire(self, host: Host, tongue: Any) -> None:
        """What each event does."""

        async def run(text: str, beams: int, spoken: str) -> AsyncGenerator[list[Any], None]:
            spoken, done = spoken or language(), list[Translation]()
            wanted = replace(self.translator.search, beams=int(beams))
            try:
                async for line in translated(host, self.translator, text.split("\n"), wanted, spoken):
                    done += [] if line is None else [line]
                    yield [gradio.skip() if line is None else joined(done), *[gradio.skip()] * 3]
            except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
                tell_of_failure(error, spoken)
            yield [joined(done), *offered(done, looks=bool(self.translator.core.looks)), ""]

        async def look(number: int | None, lines: list[tuple[str, str]], spoken: str) -> AsyncGenerator[Any, None]:
            if number is None:
                yield gradio.skip()
                return
            async for page in pages(host, self.translator, *lines[number], spoken or language()):
                yield page

        outputs = [self.made, self.line, self.lines, self.shown]
        seeing: dict[str, Any] = {"inputs": [self.line, self.lines, tongue], "outputs": self.shown}
        done = self.translate.click(run, [self.text, self.beams, tongue], outputs, api_name="translate")
        done.then(look, **seeing, api_visibility="private", show_progress="hidden")
        self.line.input(look, **seeing, api_visibility="private", show_progress="hidden")


def offered(done: list[Translation], *, looks: bool) -> tuple[Any, list[tuple[str, str]]]:
    """The choice of a line to look at, the first one chosen, and what there is to choose of.

    Args:
        looks: whether the model has attention, so that there is something to see.
    """
    lines = [(each.source.strip(), each.text) for each in done if each.text]
    choices = [(source, number) for number, (source, _) in enumerate(lines)]
    visible = bool(lines) and looks
    return gradio.update(choices=choices, value=0 if visible else None, visible=visible), lines


def translate_page(host: Host, translator: Translator) -> Any:
    """The page as Gradio Blocks, to be mounted on the server."""
    with gradio.Blocks(title="unmask", fill_width=True, analytics_enabled=False) as page:
        switch = head(host.name)
        translating = Translating(translator)
        tongue = follow_language(page, switch, [translating.wording]).tongue
        translating.wire(host, tongue)
    page.queue(default_concurrency_limit=None)  # the line for the model is ours
    return page


def joined(done: list[Translation]) -> str:
    return "\n".join(each.text for each in done)


async def translated(
    host: Host, translator: Translator, lines: list[str], wanted: Search, tongue: str
) -> AsyncGenerator[Translation | None, None]:
    """The translation of each line; None while waiting for the model, where a visitor who left is noticed.

    Raises:
        UnmaskError: as `Host.steps` does.
    """

    def begin() -> Generator[Translation, None, None]:
        yield from translator.lines(lines, wanted)

    async with aclosing(host.steps(begin)) as steps:
        async for step in steps:
            if isinstance(step, Waiting):
                gradio.Info(translate("The model is busy; your turn comes by itself.", tongue))
                yield None
            else:
                yield step


async def pages(host: Host, translator: Translator, source: str, target: str, tongue: str) -> AsyncGenerator[Any, None]:
    """Where the model looks in a line as it says its translation."""

    def begin() -> Generator[View, None, None]:
        yield alignment_view(translator.alignment(source, target), name=translator.name, tongue=tongue)

    yield working(tongue)
    try:
        async for view in seen(host, begin, tongue):
            yield gradio.skip() if view is None else framed(view, "alignment", tongue)
    except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
        tell_of_failure(error, tongue)
        yield ""


def labels(tongue: str) -> dict[str, dict[str, str]]:
    """What the components say."""
    about = translate(
        "This model turns one text into another, line by line. Programs get the same from "
        "`POST /v1/chat/completions`: the user's last message is translated.",
        tongue,
    )
    return {
        "about": {"value": about},
        "text": {
            "label": translate("Text", tongue),
            "placeholder": translate("A sentence or several; each line becomes a line", tongue),
        },
        "made": {"label": translate("Translation", tongue)},
        "beams": {
            "label": translate("Beams", tongue),
            "info": translate("Translations that are tried side by side: more is slower, and often better", tongue),
        },
        "translate": {"value": translate("Translate", tongue)},
        "line": {"label": translate("See where the model looked, in the line", tongue)},
    }
