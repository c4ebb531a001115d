"""A view: what there is to see as plain data, as a picture, and as a page that stands alone."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from unmask.base.errors import RequestError
from unmask.base.files import atomic

FORMS = (".html", ".svg", ".json")
ALONE = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""What a page may load: what is in it."""


@dataclass(frozen=True)
class View:
    """One thing to look at, its words in one language.

    Args:
        title: plain text.
        tongue: "en" or "zh".
        data: all numbers of the view, of kinds that JSON has.
        svg: the picture, a whole SVG document.
        body: the page's content, HTML; None is the picture itself.
        styles, scripts: files of this folder that the body needs; a script finds `data` in `window.view`.
        notes: what was left out, and what the numbers do not say; plain text, a sentence each.
    """

    title: str
    tongue: str
    data: dict[str, object]
    svg: str
    body: str | None = None
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def html(self) -> str:
        """The page: one file without any address in it, which forbids itself to ask for any."""
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        styles = "".join(asset(name) for name in ("view.css", *self.styles))
        scripts = "".join(f"<script>{asset(name)}</script>" for name in self.scripts)
        # A closing tag within the data would end its element.
        data = self.json().replace("<", "\\u003c")
        return (
            f'<!doctype html>\n<html lang="{self.tongue}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="Content-Security-Policy" content="{ALONE}">'
            f"<title>{html.escape(self.title)}</title><style>{styles}</style></head>"
            f"<body><h1>{html.escape(self.title)}</h1><main>{self.svg if self.body is None else self.body}</main>"
            f'<ul class="notes">{notes}</ul><script>window.view = {data};</script>{scripts}</body></html>\n'
        )

    def json(self) -> str:
        return json.dumps(self.data, ensure_ascii=False, allow_nan=False)

    def save(self, path: Path) -> None:
        """Write the view in the form that the path's ending names; the file is there when it is whole.

        Raises:
            RequestError: if the ending is none of ours.
            StorageError: if there is no place for it.
        """
        forms = {".html": self.html, ".svg": lambda: self.svg, ".json": self.json}
        ending = Path(path).suffix
        if ending not in forms:
            raise RequestError(
                "{path}: a view is written as {forms}; let the file's name end in one of these.",
                path=path,
                forms=", ".join(FORMS),
            )
        with atomic(Path(path)) as stream:
            stream.write(forms[ending]().encode())


def asset(name: str) -> str:
    """A file of this folder, as text."""
    return files("unmask.views").joinpath(name).read_text(encoding="utf-8")
