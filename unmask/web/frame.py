"""What the pages have in common: the look, the name at their head, and the language of their visitor."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gradio

from unmask.base.language import language


@dataclass(frozen=True)
class Wording:
    """Components that bear words, and what gives the properties of each, by its name, in a language."""

    components: Mapping[str, Any]
    labels: Callable[[str], Mapping[str, Mapping[str, Any]]]

    def updates(self, tongue: str) -> list[Any]:
        said = self.labels(tongue)
        return [gradio.update(**said[name]) for name in self.components]


@dataclass(frozen=True)
class Language:
    """The state that holds the visitor's language, empty until it is known; and after what it is known, or another."""

    tongue: Any
    loaded: Any
    changed: Any


def css() -> str:
    return files("unmask.web").joinpath("page.css").read_text(encoding="utf-8")


def theme() -> Any:
    """Fonts of the visitor's own machine: none is fetched, and Chinese looks right."""
    return gradio.themes.Default(
        primary_hue="indigo",
        font=["system-ui", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )


def head(name: str) -> Any:
    """Our name, the model's, and the button that changes the language, which is returned."""
    with gradio.Row(elem_classes="head"):
        shown = html.escape(name)
        gradio.HTML(f'<div class="title"><h1>unmask</h1><span class="name">{shown}</span></div>')
        return gradio.Button(elem_id="switch", size="sm", scale=0, min_width=0, **other_language(language())["switch"])


def other_language(tongue: str) -> dict[str, dict[str, str]]:
    """The switch names the other language, in that language."""
    return {"switch": {"value": "中文" if tongue == "en" else "English"}}


def follow_language(page: Any, switch: Any, wordings: Sequence[Wording]) -> Language:
    """Show the page in its visitor's language, which the button `switch` changes."""
    # Without a secret of our own, a restarted server could not read what it stored. It guards nothing.
    tongue = gradio.BrowserState("", storage_key="unmask-language", secret="unmask")
    spoken_by = [Wording({"switch": switch}, other_language), *wordings]

    def welcome(stored: str, request: gradio.Request) -> list[Any]:
        return said_in(stored or ("zh" if request.headers.get("accept-language", "").startswith("zh") else language()))

    def change(spoken: str) -> list[Any]:
        return said_in("en" if spoken == "zh" else "zh")

    def said_in(spoken: str) -> list[Any]:
        return [spoken, *(update for wording in spoken_by for update in wording.updates(spoken))]

    outputs = [tongue, *(each for wording in spoken_by for each in wording.components.values())]
    loaded = page.load(welcome, tongue, outputs, api_visibility="private", queue=False, show_progress="hidden")
    changed = switch.click(change, tongue, outputs, api_visibility="private", queue=False, show_progress="hidden")
    return Language(tongue, loaded, changed)
