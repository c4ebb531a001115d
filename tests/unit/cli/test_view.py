"""Looking inside by the command line: each kind of view, the three forms of file, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from unmask.cli.program import program
from unmask.cli.view import KINDS
from unmask.views import menu
from unmask.views.guides import GUIDES

TEXT = "The quick brown fox jumps over the lazy dog."


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program(), ["view", *(str(each) for each in arguments)])


def test_the_command_line_offers_every_view_there_is():
    assert set(KINDS) == {*menu.KINDS, "alignment"}  # which asks a translator


@pytest.mark.parametrize("kind", ["attention", "tokens", "lens", "positions"])
def test_a_view_is_written_as_page_picture_and_numbers(tiny_folder: Path, tmp_path: Path, kind: str):
    for form in ("html", "svg", "json"):
        result = run(kind, tiny_folder, TEXT, "--out", tmp_path / f"view.{form}")
        assert result.exit_code == 0, result.output
        assert f"to {tmp_path / f'view.{form}'}" in result.stderr
    page = (tmp_path / "view.html").read_text()
    assert page.startswith("<!doctype html>")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert ElementTree.parse(tmp_path / "view.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert json.loads((tmp_path / "view.json").read_text())["text"] == TEXT


def test_the_numbers_go_to_standard_output_on_request(tiny_folder: Path):
    result = run("attention", tiny_folder, TEXT, "--json", "--layer", "1", "--head", "2")
    assert json.loads(result.stdout)["chosen"] == {"layer": 1, "head": 2}


def test_a_word_is_compared_between_sentences(encoder_folder: Path):
    result = run("sense", encoder_folder, "the cat sat", "a cat on the mat", "--word", "cat", "--json")
    assert json.loads(result.stdout)["word"] == "cat"


def test_guides_are_listed_and_made(encoder_folder: Path, tmp_path: Path):
    listed = run("guide").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(GUIDES)
    assert run("guide", encoder_folder, "lookup", "--out", tmp_path / "guide.html").exit_code == 0
    assert (tmp_path / "guide.html").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["attention", "MODEL", TEXT], "Give --out FILE.html, or --json"),
        (["attention", "MODEL", TEXT, "--json", "--word", "fox"], "sense, and only sense, wants --word"),
        (["sense", "MODEL", TEXT, TEXT, "--json"], "sense, and only sense, wants --word"),
        (
            ["lens", "MODEL", TEXT, "--json", "--layer", "1"],
            "--layer and --head belong to the views of attention and of alignment",
        ),
        (["tokens", "MODEL", "two", "texts", "--json"], "Only sense takes several texts"),
    ],
)
def test_what_does_not_belong_together_is_wrong_usage(arguments: list[str], complaint: str, tiny_folder: Path):
    result = run(*(str(tiny_folder) if each == "MODEL" else each for each in arguments))
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["attention", "MODEL", TEXT, "--layer", "7", "--json"], "7"),
        (["guide", "MODEL", "coutning", "--json"], "There is no guide 'coutning'; there are counting, .* counting?"),
        (["attention", "MODEL", TEXT, "--out", "view.pdf"], r"view.pdf: a view is written as .html, .svg, .json"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: list[str], complaint: str, tiny_folder: Path):
    result = run(*(str(tiny_folder) if each == "MODEL" else each for each in arguments))
    assert result.exit_code == 1
    assert re.search(complaint, result.stderr)
