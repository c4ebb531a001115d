"""What someone who watches a run sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import Counting, Next, model
from unmask.training.loop import train
from unmask.training.progress import Progress, taken
from unmask.training.settings import TrainSettings

SETTINGS = TrainSettings(steps=24, evaluate_every=12, save_every=0, evaluation_steps=1)


def watched(folder: Path) -> None:
    train(model(), Next(), Counting(), SETTINGS, folder, validation=Counting(seed=9), hooks=[Progress()])


def test_where_nobody_watches_each_look_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    watched(tmp_path)
    shown = capsys.readouterr()
    assert shown.out == ""
    told = r"step {} of 24: loss [\d.]+, [\d,]+ tokens/s, [\d,]+ MB; validation [\d.]+"
    first, last = shown.err.splitlines()
    assert re.fullmatch(told.format(12), first)
    assert re.fullmatch(told.format(24), last)


def test_on_a_terminal_a_bar_tells_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    watched(tmp_path)
    shown = capsys.readouterr().err
    assert "24/24" in shown
    assert re.search(r"loss [\d.]+, [\d,]+ tokens/s, [\d,]+ MB", shown)


def test_going_on_is_told_before_the_first_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    watched(tmp_path)
    capsys.readouterr()
    watched(tmp_path)
    assert capsys.readouterr().err.startswith("Going on from step 24")


def test_it_speaks_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    watched(tmp_path)
    assert "第 12 步，共 24 步" in capsys.readouterr().err


def test_memory_is_what_the_process_holds():
    psutil = pytest.importorskip("psutil")
    assert taken(torch.device("cpu")) == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
