"""The hunt for faults: what a parser can do wrong is found, made small and kept, and the hunt goes on after it."""

from __future__ import annotations

import os
from mmap import mmap
from pathlib import Path

import pytest

from tests.fuzz.case import Case, Parser
from tests.fuzz.chance import shrink
from tests.fuzz.parsers import PARSERS
from tools.fuzz import hunt, main
from unmask.base.errors import FormatError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of forks beside threads


def parser(name, wrong):
    """Reads a file of two bytes; `wrong` is what it does where the first is 7."""

    def damage(chance, sample, files):
        return {"file": bytes([chance.between(0, 9), chance.between(0, 9)])}

    def read(folder: Path) -> None:
        first, _ = (folder / "file").read_bytes()
        if first == 7:
            wrong()
        if first == 8:
            raise FormatError("{file}: damaged", file=folder / "file")

    return Parser(name, lambda: {"right": {"file": b"\0\0"}}, damage, read)


def raised():
    raise ValueError("untyped")


def hang():
    while True:
        pass


def devour():
    # Not by malloc, which may have as much left over from other tests.
    with mmap(-1, 300 << 20) as pages:
        pages[::4096] = bytes(300 << 8)


def told(wrong, tmp_path, seconds=1):
    return hunt(parser("mine", wrong), cases=300, seconds=seconds, seed=0, corpus=tmp_path)


def kept(row, tmp_path):
    return [Case.parse((tmp_path / "mine" / each).read_text()).changes["file"] for each in row.faults.values()]


def test_a_parser_that_answers_or_refuses_has_no_faults(tmp_path):
    row = told(lambda: None, tmp_path)
    assert (row.cases, row.faults) == (300, {})
    assert row.answered + row.refused == 300
    assert row.refused > 10


def test_an_untyped_error_is_kept_once_and_as_small_as_can_be(tmp_path):
    row = told(raised, tmp_path)
    assert row.cases == 300
    assert [each.split()[0] for each in row.faults] == ["ValueError"]
    assert kept(row, tmp_path) == [b"\x07\x00"]


def test_a_process_that_dies_leaves_its_case_and_the_hunt_goes_on(tmp_path):
    row = told(os.abort, tmp_path)
    assert row.faults
    assert all("signal 6" in each for each in row.faults)
    assert {each[0] for each in kept(row, tmp_path)} == {7}


def test_a_hang_is_ended_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.fuzz.MOST_DEATHS", 1)
    row = told(hang, tmp_path)
    assert ["Timeout" in each for each in row.faults] == [True]
    assert kept(row, tmp_path)[0][0] == 7


def test_memory_without_measure_is_a_fault(tmp_path):
    row = told(devour, tmp_path, seconds=60)  # so much memory takes its time on a busy machine
    assert list(row.faults) == ["took more than 256 MB for a moment"]
    assert kept(row, tmp_path) == [b"\x07\x00"]


def test_choices_shrink_to_the_fewest_that_still_fail():
    assert shrink([5, 9, 3, 120, 4, 4, 8], lambda each: any(choice > 50 for choice in each), tries=1000) == [51]


def test_a_case_comes_back_from_its_file_as_it_was(tmp_path):
    case = Case("sample", {"text": "云".encode(), "bytes": b"\xff\x00", "gone": None})
    assert Case.parse(case.write(tmp_path).read_text(encoding="utf-8")) == case


def test_a_parser_that_is_not_there_is_named_beside_those_that_are(capsys):
    with pytest.raises(SystemExit):
        main(["no-such"])
    said = capsys.readouterr().err
    assert "no such parser: no-such" in said
    assert all(name in said for name in PARSERS)
