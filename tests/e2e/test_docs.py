"""The documents tell the truth: their Python runs, their list of public names is the package's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import unmask

ROOT = Path(__file__).parents[2]


def snippets(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_python_of_a_readme_runs(
    name: str,
    smollm2: Path,
    minilm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)  # it writes files
    library = [code for code in snippets(name) if "import unmask" in code]
    assert library
    for code in library:
        exec(compile(code, name, "exec"), {})
    assert "Paris" in capsys.readouterr().out


def test_the_tour_lists_the_public_names():
    listed = set(re.findall(r"`unmask\.(\w+)`", (ROOT / "docs" / "tour.md").read_text().split("## Public names")[1]))
    assert listed - {"__all__"} == set(unmask.__all__)


def test_both_readmes_show_the_same_commands_and_headings():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    assert re.findall(r"^    (make \w+|unmask \w+)", english, re.M) == re.findall(
        r"^    (make \w+|unmask \w+)", chinese, re.M
    )
    assert english.count("\n## ") == chinese.count("\n## ")


def test_the_tour_shows_the_last_family_as_it_stands_in_the_source():
    shown = next(code for code in snippets("docs/tour.md") if "def qwen3" in code)
    source = (ROOT / "unmask" / "families" / "qwen.py").read_text()
    for part in re.split(r"\n\n\n", shown.strip()):
        assert part in source
