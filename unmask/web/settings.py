"""The accordion of settings: the system prompt, and how answers are chosen."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any

import gradio

from unmask.base.language import language, translate
from unmask.model import Model
from unmask.web.frame import Wording
from unmask.web.knobs import Knobs, advised

WHOLE = {"top_k", "limit", "seed"}
"""Numbers that have no fractions, though the page may send 5.0."""


class Settings:
    """Its components; `inputs` are the system prompt and the knobs in the order of Knobs."""

    def __init__(self, model: Model) -> None:
        self.advice = advised(model)
        said, given = labels(language()), self.advice
        with gradio.Accordion(open=False, elem_id="settings", **said["settings"]) as self.settings:
            self.system = gradio.Textbox("", lines=2, max_lines=6, elem_id="system", **said["system"])
            with gradio.Row():
                temperature = gradio.Slider(
                    0, 2, given.temperature, step=0.05, elem_id="temperature", **said["temperature"]
                )
                top_p = gradio.Slider(0, 1, given.top_p, step=0.01, elem_id="top-p", **said["top_p"])
                top_k = gradio.Slider(0, 200, given.top_k, step=1, elem_id="top-k", **said["top_k"])
            with gradio.Row():
                min_p = gradio.Slider(0, 1, given.min_p, step=0.01, elem_id="min-p", **said["min_p"])
                repetition = gradio.Slider(
                    0.5, 2, given.repetition_penalty, step=0.01, elem_id="repetition", **said["repetition_penalty"]
                )
                limit = gradio.Slider(1, model.context, given.limit, step=1, elem_id="limit", **said["limit"])
            with gradio.Row(elem_classes="last"):
                seed = gradio.Number(None, precision=0, minimum=0, elem_id="seed", **said["seed"])
                self.advised = gradio.Button(size="sm", scale=0, elem_id="advice", **said["advised"])
        self.knobs = [temperature, top_p, top_k, min_p, repetition, limit, seed]
        self.advised.click(self.as_advised, None, self.knobs, api_visibility="private", queue=False)

    @property
    def inputs(self) -> list[Any]:
        return [self.system, *self.knobs]

    @property
    def wording(self) -> Wording:
        named = dict(zip((field.name for field in fields(Knobs)), self.knobs, strict=True))
        return Wording({"settings": self.settings, "system": self.system, "advised": self.advised, **named}, labels)

    def as_advised(self) -> tuple[float | None, ...]:
        return astuple(self.advice)


def knobs(values: tuple[float | None, ...]) -> Knobs:
    """What the page sends, in the order of `inputs`."""
    named = zip((field.name for field in fields(Knobs)), values, strict=True)
    return Knobs(**{name: int(value) if name in WHOLE and value is not None else value for name, value in named})  # type: ignore[arg-type]


def labels(tongue: str) -> dict[str, dict[str, str]]:
    """What the components say."""
    return {
        "settings": {"label": translate("Settings", tongue)},
        "system": {
            "label": translate("System prompt", tongue),
            "placeholder": translate("How the model should behave. Empty: as its makers set it.", tongue),
        },
        "temperature": {
            "label": translate("Temperature", tongue),
            "info": translate("0: the likeliest word", tongue),
        },
        "top_p": {"label": translate("Top-p", tongue), "info": translate("1: no word is left out", tongue)},
        "top_k": {"label": translate("Top-k", tongue), "info": translate("Only the k likeliest; 0: all", tongue)},
        "min_p": {
            "label": translate("Min-p", tongue),
            "info": translate("None below this share of the likeliest; 0: off", tongue),
        },
        "repetition_penalty": {
            "label": translate("Repetition penalty", tongue),
            "info": translate("1: off; more: fewer repeated words", tongue),
        },
        "limit": {"label": translate("Answer length", tongue), "info": translate("At most, in tokens", tongue)},
        "seed": {
            "label": translate("Seed", tongue),
            "info": translate("The same number gives the same answer; empty: another each time", tongue),
        },
        "advised": {"value": translate("As the makers advise", tongue)},
    }
