"""The runner of all checks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.check import Step, run, steps


def step(name: str, program: str) -> Step:
    return name, [sys.executable, "-c", program]


def test_every_step_runs_even_after_one_failed(tmp_path: Path) -> None:
    listed = [
        step("first", "open('first', 'w')"),
        step("second", "raise SystemExit(3)"),
        step("third", "open('third', 'w')"),
    ]
    assert run(listed, tmp_path) == ["second"]
    assert {path.name for path in tmp_path.iterdir()} == {"first", "third"}


def test_a_failed_step_shows_all_it_said_and_a_good_one_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run([step("good", "print('chatter')"), step("bad", "import sys; sys.exit('line 7 is wrong')")], tmp_path)
    shown = capsys.readouterr().out
    assert "chatter" not in shown
    assert "line 7 is wrong" in shown
    assert [line.split()[:2] for line in shown.splitlines()[:2]] == [["good", "ok"], ["bad", "FAILED"]]


def test_only_fixing_changes_files() -> None:
    def flags(fix: bool) -> list[str]:
        return [word for _, command in steps(fix=fix, tests=False) for word in command if word.startswith("--")]

    assert flags(fix=False) == ["--check"]
    assert flags(fix=True) == ["--fix"]


def test_the_unit_tests_can_be_left_out() -> None:
    names = [name for name, _ in steps(fix=False, tests=True)]
    assert names == ["format", "lint", "types", "layers", "budgets", "unit tests"]
    assert [name for name, _ in steps(fix=False, tests=False)] == names[:-1]
