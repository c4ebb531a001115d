from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from unmask.base.errors import RequestError
from unmask.views.svg import COOL, WARM, document
from unmask.views.view import View, asset

PICTURE = document("Cats", 10, 10, ["<rect/>"])


class Reader(HTMLParser):
    """Tags with their attributes, and the text within each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.texts.setdefault(self.tags[-1][0], []).append(data)


def view(**changes: object) -> View:
    return View(**{"title": "Cats", "tongue": "en", "data": {"a": [1, 0.5]}, "svg": PICTURE} | changes)  # type: ignore[arg-type]


def test_the_page_holds_the_picture_the_words_and_the_data():
    read = Reader(view(title="<Cats> & dogs", tongue="zh", notes=("a < b", "再见")).html())
    assert ("html", {"lang": "zh"}) in read.tags
    assert "".join(read.texts["h1"]).startswith("<Cats> & dogs")
    assert read.texts["li"] == ["a < b", "再见"]
    assert "rect" in [tag for tag, _ in read.tags]
    assert 'window.view = {"a": [1, 0.5]};' in read.texts["script"]


def test_a_body_stands_in_the_pictures_place():
    page = view(body="<p>here</p>").html()
    assert "<main><p>here</p></main>" in page
    assert "<rect/>" not in page


def test_data_cannot_end_its_script():
    text = "</script><script>alert(1)</script>"
    read = Reader(view(data={"text": text}).html())
    assert [tag for tag, _ in read.tags].count("script") == 1
    script = read.texts["script"][0]
    assert json.loads(script.removeprefix("window.view = ").removesuffix(";"))["text"] == text


def test_styles_and_scripts_are_within_the_page():
    page = view(styles=("attention.css",), scripts=("attention.js",)).html()
    assert asset("view.css") in page
    assert asset("attention.css") in page
    assert page.index("window.view =") < page.index(asset("attention.js"))


def test_the_page_names_no_address_and_may_load_none():
    read = view(styles=("attention.css",), scripts=("attention.js",)).html()
    assert set(re.findall("(?:https?:)?//[a-z]+[.][^\"' ]*", read)) == {"http://www.w3.org/2000/svg"}
    policies = [found["content"] for tag, found in Reader(read).tags if tag == "meta" and "http-equiv" in found]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"]


def test_pages_and_pictures_have_the_same_colours():
    style = asset("view.css")
    assert f"--cool: {COOL};" in style
    assert f"--warm: {WARM};" in style


@pytest.mark.parametrize("ending", ["html", "svg", "json"])
def test_a_view_is_saved_as_its_name_says(ending: str, tmp_path: Path):
    made = view(title="猫")
    made.save(tmp_path / f"cats.{ending}")
    saved = (tmp_path / f"cats.{ending}").read_text(encoding="utf-8")
    assert saved == {"html": made.html(), "svg": PICTURE, "json": '{"a": [1, 0.5]}'}[ending]


def test_another_ending_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match=r"cats.pdf: a view is written as .html, .svg, .json"):
        view().save(tmp_path / "cats.pdf")
    assert list(tmp_path.iterdir()) == []


def test_what_json_has_no_number_for_is_not_written():
    with pytest.raises(ValueError):
        view(data={"a": float("nan")}).json()
