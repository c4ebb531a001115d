"""The page of a model that makes vectors and cannot talk: a text, and how near others are to it."""

from __future__ import annotations

import html
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from typing import Any

import gradio
from torch import Tensor, stack
from torch.nn.functional import cosine_similarity

from unmask.base.language import language, translate
from unmask.generation.vectors import vectors
from unmask.server.host import Host, Waiting
from unmask.web.frame import Wording, follow_language, head
from unmask.web.look import Looking
from unmask.web.talk import tell_of_failure

Ranking = list[tuple[float, str]]
"""Cosine similarity and text, the nearest first."""


class Comparing:
    """The tab's components."""

    def __init__(self) -> None:
        said = labels(language())
        self.about = gradio.Markdown(**said["about"])
        self.text = gradio.Textbox(lines=1, max_lines=8, autofocus=True, elem_id="compare-text", **said["text"])
        self.lines = gradio.Textbox(lines=4, max_lines=16, elem_id="compare-lines", **said["lines"])
        self.compare = gradio.Button(variant="primary", elem_id="compare", **said["compare"])
        self.ranking = gradio.HTML(elem_id="ranking")

    @property
    def wording(self) -> Wording:
        return Wording({name: getattr(self, name) for name in labels("en")}, labels)

    def wire(self, host: Host, tongue: Any) -> None:
        """What the button does."""

        async def compare(text: str, lines: str, spoken: str) -> AsyncGenerator[Any, None]:
            spoken = spoken or language()
            others = [line.strip() for line in lines.splitlines() if line.strip()]
            if not text.strip() or not others:
                yield gradio.skip()
                return
            try:
                async for found in ranked(host, text, others, spoken):
                    yield gradio.skip() if found is None else table(found)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the visitor is told, and the log if it is ours
                tell_of_failure(error, spoken)
                yield gradio.skip()

        self.compare.click(compare, [self.text, self.lines, tongue], self.ranking, api_name="compare")


def embed_page(host: Host) -> Any:
    """The page as Gradio Blocks, to be mounted on the server."""
    with gradio.Blocks(title="unmask", fill_width=True, analytics_enabled=False) as page:
        switch, said = head(host.name), tabs(language())
        with gradio.Tabs():
            with gradio.Tab(elem_id="tab-compare", **said["tab_compare"]) as tab_compare:
                comparing = Comparing()
            with gradio.Tab(elem_id="tab-look", **said["tab_look"]) as tab_look:
                looking = Looking(host)
        named = Wording({"tab_compare": tab_compare, "tab_look": tab_look}, tabs)
        tongue = follow_language(page, switch, [named, comparing.wording, looking.wording]).tongue
        comparing.wire(host, tongue)
        looking.wire(tongue)
    page.queue(default_concurrency_limit=None)  # the line for the model is ours
    return page


def tabs(tongue: str) -> dict[str, dict[str, str]]:
    return {
        "tab_compare": {"label": translate("Compare", tongue)},
        "tab_look": {"label": translate("Look inside", tongue)},
    }


def labels(tongue: str) -> dict[str, dict[str, str]]:
    """What the components of the first tab say."""
    about = translate(
        "This model turns texts into vectors; it cannot talk. Here you see how near it finds texts to one another "
        "(cosine similarity; 1 is the same). Programs get the vectors from `POST /v1/embeddings`.",
        tongue,
    )
    hint = translate("One text or several, a line each; the nearest will be listed first", tongue)
    return {
        "about": {"value": about},
        "text": {"label": translate("Text", tongue)},
        "lines": {"label": translate("Compare it with", tongue), "placeholder": hint},
        "compare": {"value": translate("Compare", tongue)},
    }


def table(ranking: Ranking) -> str:
    rows = (f"<b>{value:.4f}</b><span>{html.escape(text)}</span>" for value, text in ranking)
    return f'<div class="ranking">{"".join(rows)}</div>'


async def ranked(host: Host, text: str, others: list[str], tongue: str) -> AsyncGenerator[Ranking | None, None]:
    """The others by their nearness to the text. Before that None at every step, where a visitor who left is noticed.

    Raises:
        UnmaskError: as `Host.steps` does, or if the model cannot read one of the texts.
    """

    def begin() -> Generator[dict[int, Tensor], None, None]:
        rows, pooling = host.model.rows([text, *others]), host.model.sentence.pooling
        return (dict(zip(batch, made.cpu(), strict=True)) for batch, made in vectors(host.model.core, rows, pooling))

    found: dict[int, Tensor] = {}
    async with aclosing(host.steps(begin)) as steps:
        async for step in steps:
            if isinstance(step, Waiting):
                gradio.Info(translate("The model is busy; your turn comes by itself.", tongue))
            else:
                found |= step
            yield None
    near = cosine_similarity(found[0], stack([found[number] for number in range(1, len(found))])).tolist()
    yield sorted(zip(near, others, strict=True), key=lambda pair: pair[0], reverse=True)
