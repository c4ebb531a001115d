"""What a run leaves to be read while it runs and after."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.training.tiny import Counting, Next, model
from unmask.base.errors import MissingExtra
from unmask.training.hooks import Hook, StepRecord
from unmask.training.logs import LOG, Log, Pace, TensorBoard, lines
from unmask.training.loop import train
from unmask.training.run import Run
from unmask.training.settings import TrainSettings

SETTINGS = TrainSettings(steps=7, log_every=2, evaluate_every=4, save_every=3, evaluation_steps=1)


class Records(Hook):
    def __init__(self) -> None:
        self.records: list[StepRecord] = []

    def step(self, run: Run, record: StepRecord) -> None:
        self.records.append(record)


def logged(folder: Path, settings: TrainSettings = SETTINGS, *others: Hook) -> list[dict[str, object]]:
    train(model(), Next(), Counting(), settings, folder, validation=Counting(seed=9), hooks=[Log(), *others])
    return lines(folder / LOG)


def test_a_line_says_exactly_what_the_step_was(tmp_path: Path):
    seen = Records()
    found = [line for line in logged(tmp_path, SETTINGS, seen) if "loss" in line]
    assert [line["step"] for line in found] == [2, 4, 6]
    for line, record in zip(found, seen.records[1::2], strict=False):
        assert (line["loss"], line["terms"], line["norm"]) == (record.loss, record.terms, record.norm)
        assert (line["rate"], line["seen"]) == (record.rate, record.seen)


def test_each_look_at_the_validation_data_is_a_line(tmp_path: Path):
    found = [line for line in logged(tmp_path) if "validation" in line]
    assert [line["step"] for line in found] == [4, 7]
    assert set(found[0]["validation"]) == {"tokens", "loss"}  # type: ignore[arg-type]


def test_it_can_be_read_while_the_run_goes_on(tmp_path: Path):
    class Reading(Hook):
        counts: tuple[int, ...] = ()

        def step(self, run: Run, record: StepRecord) -> None:
            self.counts += (len(lines(tmp_path / LOG)),)

    reading = Reading()
    logged(tmp_path, SETTINGS, reading)
    assert reading.counts == (0, 1, 1, 2, 3, 4, 4)


def test_steps_that_come_again_after_a_broken_run_are_not_told_twice(tmp_path: Path):
    whole = [line["step"] for line in logged(tmp_path / "whole")]

    class Broken(Exception): ...

    class Breaking(Hook):
        def step(self, run: Run, record: StepRecord) -> None:
            if record.step == 5:
                raise Broken

    with pytest.raises(Broken):
        logged(tmp_path / "broken", SETTINGS, Breaking())
    assert [line["step"] for line in lines(tmp_path / "broken" / LOG)] == [2, 4, 4]
    again = logged(tmp_path / "broken")
    assert [line["step"] for line in again] == whole
    assert [line.get("loss") for line in again] == [line.get("loss") for line in lines(tmp_path / "whole" / LOG)]


def test_a_last_line_that_was_broken_off_is_left_out(tmp_path: Path):
    path = tmp_path / LOG
    path.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "lo')
    assert lines(path) == [{"step": 1, "loss": 2.5}]


def test_nothing_is_logged_where_that_is_asked(tmp_path: Path):
    assert [line for line in logged(tmp_path, replace(SETTINGS, log_every=0)) if "loss" in line] == []


def test_pace_is_tokens_by_seconds_since_it_was_last_asked():
    def record(tokens: int, seconds: float) -> StepRecord:
        return StepRecord(1, 0.0, {}, 0.0, 0.0, tokens, 0, seconds)

    pace = Pace()
    pace.add(record(30, 1.0))
    pace.add(record(10, 3.0))
    assert pace.take() == 10
    pace.add(record(6, 2.0))
    assert pace.take() == 3


def test_without_tensorboard_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"need tensorboard\. Run: pip install 'unmask\[track\]'"):
        TensorBoard()


@pytest.mark.filterwarnings("ignore")  # of its own libraries
def test_tensorboard_reads_the_same_curves(tmp_path: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = logged(tmp_path, SETTINGS, TensorBoard())
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    wanted = {line["step"]: line["loss"] for line in found if "loss" in line}
    assert {each.step: each.value for each in events.Scalars("train/loss")} == pytest.approx(wanted)
    assert [each.step for each in events.Scalars("validation/loss")] == [4, 7]
    assert {"train/rate", "train/norm", "train/tokens"} <= set(events.Tags()["scalars"])


def test_a_log_is_plain_json_a_line(tmp_path: Path):
    logged(tmp_path)
    for line in (tmp_path / LOG).read_text().splitlines():
        assert "step" in json.loads(line)
