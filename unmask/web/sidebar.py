"""The list of conversations beside the chat: find one, open it, rename it, delete it, take it away."""

from __future__ import annotations

import html
import json
from typing import Any

import gradio

from unmask.base.errors import StorageError
from unmask.base.language import language, translate
from unmask.web.frame import Wording
from unmask.web.store import Listing, Store

SHOWN = 200
"""Conversations that are listed; a search finds the older ones."""


class Sidebar:
    """Its components. `opened` holds the id of the conversation that is open, empty for a new one."""

    def __init__(self) -> None:
        said = labels(language())
        with gradio.Sidebar(width=280, elem_id="sidebar"):
            self.fresh = gradio.Button(variant="primary", elem_id="fresh", **said["fresh"])
            self.search = gradio.Textbox("", lines=1, max_lines=1, container=False, elem_id="search", **said["search"])
            self.found = gradio.Radio([], elem_id="conversations", container=False, **said["found"])
            self.notice = gradio.Markdown(elem_id="notice", visible=False)
            with gradio.Column(visible=False, elem_id="this") as self.this:
                self.title = gradio.Textbox("", lines=1, max_lines=1, container=False, elem_id="title", **said["title"])
                self.delete = gradio.Button(size="sm", elem_id="delete", **said["delete"])
            self.export = gradio.HTML(elem_id="export")
        self.opened = gradio.Textbox("", visible=False)

    @property
    def wording(self) -> Wording:
        named = {"fresh": self.fresh, "search": self.search, "found": self.found}
        return Wording(named | {"title": self.title, "delete": self.delete}, labels)

    @property
    def outputs(self) -> list[Any]:
        """What `updates` are of."""
        return [self.found, self.notice, self.this, self.title, self.export]


def updates(store: Store, opened: str, query: str, tongue: str) -> list[Any]:
    """The list as it now is on disk.

    Raises:
        StorageError: if the folder cannot be read.
    """
    listing = store.find(query)
    entries = listing.entries[:SHOWN]
    choices = [(entry.title or entry.id, entry.id) for entry in entries]
    about = notice(listing, query, tongue)
    return [
        gradio.update(choices=choices, value=opened if any(entry.id == opened for entry in entries) else None),
        gradio.update(value=about, visible=bool(about)),
        gradio.update(visible=bool(opened)),
        title(store, opened),
        links(opened, tongue, some=bool(listing.entries)),
    ]


def title(store: Store, opened: str) -> str:
    try:
        return store.read(opened).title if opened else ""
    except StorageError:
        return ""  # deleted elsewhere; the list says so by not having it


def notice(listing: Listing, query: str, tongue: str) -> str:
    """What the list itself does not say, as Markdown."""
    parts = []
    if query.strip() and not listing.entries:
        parts.append(translate("Nothing found.", tongue))
    if len(listing.entries) > SHOWN:
        text = translate("The latest {shown} of {count} are listed; a search finds the others.", tongue)
        parts.append(text.format(shown=SHOWN, count=len(listing.entries)))
    if listing.broken:
        text = translate("Cannot be read, and left as they are: {names}", tongue)
        parts.append(text.format(names=", ".join(f"`{html.escape(name)}`" for name in listing.broken)))
    return "\n\n".join(parts)


def links(opened: str, tongue: str, *, some: bool) -> str:
    """The ways to take conversations away, as HTML."""
    groups = []
    if opened:
        address = f"/conversations/{html.escape(opened)}"
        groups.append((translate("Export this one", tongue), address, "export"))
    if some:
        groups.append((translate("Export all", tongue), "/conversations", "export-all"))
    return "".join(
        f'<div class="export"><span>{label}</span>'
        f'<a id="{name}-json" href="{address}.json" download>JSON</a>'
        f'<a id="{name}-markdown" href="{address}.md?tongue={tongue}" download>Markdown</a></div>'
        for label, address, name in groups
    )


def confirmation() -> str:
    """JavaScript that asks before a conversation is deleted, and passes no id on if the answer is no."""
    questions = {tongue: translate("Delete this conversation for good?", tongue) for tongue in ("en", "zh")}
    return f'(opened, tongue) => [confirm(({json.dumps(questions)})[tongue]) ? opened : "", tongue]'


ADDRESS = """(opened) => {
    const address = new URL(window.location);
    opened ? address.searchParams.set("conversation", opened) : address.searchParams.delete("conversation");
    window.history.replaceState(null, "", address);
}"""
"""JavaScript that names the open conversation in the address, for a reload to open it again."""


FOLD = """() => {
    const sidebar = document.querySelector("#sidebar.open, #sidebar .open, .sidebar.open");
    if (window.innerWidth <= 768 && sidebar) sidebar.querySelector(".toggle-button").click();
}"""
"""JavaScript that folds the sidebar away where it covers the conversation."""


def labels(tongue: str) -> dict[str, dict[str, str]]:
    """What the components say."""
    return {
        "fresh": {"value": translate("New conversation", tongue)},
        "search": {
            "label": translate("Search titles and messages", tongue),
            "placeholder": translate("Search", tongue),
        },
        "found": {"label": translate("Conversations", tongue)},
        "title": {"label": translate("Title; Enter keeps a new one", tongue)},
        "delete": {"value": translate("Delete", tongue)},
    }
