"""What a guided example is: a title, and a page made of a real model's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.views.svg import escape
from unmask.views.view import View


class Make(Protocol):
    """A guide's page, of this model and in this language ("en" or "zh").

    Raises:
        RequestError: if this kind of model has nothing to show in it.
    """

    def __call__(self, core: Transformer, reader: Reader, *, tongue: str) -> View: ...


@dataclass(frozen=True)
class Guide:
    """`title` is given the language; neither it nor the registry needs a model."""

    title: Callable[[str], str]
    make: Make


STYLES = ("guide.css",)


def page(*parts: str) -> str:
    """The body of a guide: its prose and figures, one after another."""
    return "".join(parts)


def lead(text: str) -> str:
    return f'<p class="lead">{escape(text)}</p>'


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def prose(text: str) -> str:
    return f'<p class="prose">{escape(text)}</p>'


def quoted(text: str) -> str:
    return f"<blockquote>{escape(text)}</blockquote>"


def found(text: str) -> str:
    """What this very model's numbers say."""
    return f'<p class="found">{escape(text)}</p>'


def scrolled(drawing: str) -> str:
    return f'<div class="scroll">{drawing}</div>'


def listing(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of words and numbers; the first column names its row."""
    names = "".join(f"<th>{escape(each)}</th>" for each in head)
    lines = []
    for row in rows:
        first, *others = (escape(each) for each in row)
        lines.append(f"<tr><th>{first}</th>{''.join(f'<td>{each}</td>' for each in others)}</tr>")
    return f'<div class="scroll"><table class="listing"><tr>{names}</tr>{"".join(lines)}</table></div>'
