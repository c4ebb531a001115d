"""The one loop: against a plain one, in pieces, resumed, stopped, and where it must refuse."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import Counting, Next, model, reference_losses
from unmask.base.errors import CheckpointError, TrainingError
from unmask.core.widening import WideLinear
from unmask.training.hooks import Hook, StepRecord, TrainReport
from unmask.training.loop import train
from unmask.training.run import Run
from unmask.training.settings import AdamW, Schedule, TrainSettings

STEADY = Schedule("constant", warmup=0)
SETTINGS = TrainSettings(
    steps=8, optimizer=AdamW(rate=1e-2), schedule=STEADY, clip=0.5, save_every=0, evaluate_every=0, evaluation_steps=2
)


class Notes(Hook):
    """Keeps what it is told; stops the process's run by a signal where it is asked to."""

    def __init__(self, signal_at: int | None = None) -> None:
        self.records: list[StepRecord] = []
        self.looks: list[Mapping[str, float]] = []
        self.messages: list[str] = []
        self.folders: list[Path] = []
        self.signal_at = signal_at

    def step(self, run: Run, record: StepRecord) -> None:
        self.records.append(record)
        if record.step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        self.looks.append(values)

    def saved(self, run: Run, folder: Path) -> None:
        self.folders.append(folder)

    def note(self, run: Run, message: str) -> None:
        self.messages.append(message)

    @property
    def losses(self) -> list[float]:
        return [each.loss for each in self.records]


def trained(
    folder: Path, settings: TrainSettings = SETTINGS, *, batches: Counting | None = None, notes: Notes | None = None
) -> tuple[torch.nn.Module, Notes, TrainReport]:
    net, notes = model(), notes or Notes()
    report = train(net, Next(), batches or Counting(), settings, folder, validation=Counting(seed=9), hooks=[notes])
    return net, notes, report


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_losses_are_those_of_a_plain_loop(tmp_path: Path):
    _, notes, _ = trained(tmp_path)
    wanted = reference_losses(8, rate=1e-2, clip=0.5, decay=0.1, batches=Counting())
    assert notes.losses == pytest.approx(wanted, abs=2e-5)
    assert notes.losses[-1] < notes.losses[0]


def test_rows_in_pieces_learn_what_they_learn_at_once(tmp_path: Path):
    _, whole, _ = trained(tmp_path / "whole")
    _, pieces, _ = trained(tmp_path / "pieces", replace(SETTINGS, micro_rows=3))
    assert pieces.losses == pytest.approx(whole.losses, abs=1e-5)


def test_blocks_that_compute_twice_learn_the_same(tmp_path: Path):
    _, once, _ = trained(tmp_path / "once")
    net, twice, _ = trained(tmp_path / "twice", replace(SETTINGS, checkpointing=True))
    assert twice.losses == pytest.approx(once.losses, abs=1e-6)
    assert all("forward" not in block.__dict__ for block in net.get_submodule("blocks"))


@pytest.mark.parametrize("changes", [{}, {"dtype": "bfloat16"}, {"average": 0.9}, {"micro_rows": 1}])
def test_a_run_in_two_parts_is_the_run_in_one_to_the_bit(tmp_path: Path, changes: dict[str, object]):
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    straight, once, _ = trained(tmp_path / "straight", settings)
    _, first, report = trained(tmp_path / "parts", settings, notes=Notes(signal_at=3))
    assert report.stopped
    assert report.step == 3
    resumed, second, _ = trained(tmp_path / "parts", settings)
    assert first.losses + second.losses == once.losses
    assert [each.seen for each in second.records] == [each.seen for each in once.records[3:]]
    assert equal(straight, resumed)


def test_bfloat16_learns_float32_weights(tmp_path: Path):
    net, notes, _ = trained(tmp_path, replace(SETTINGS, dtype="bfloat16"))
    assert {each.dtype for each in net.parameters()} == {torch.float32}
    assert any(not torch.equal(each, each.bfloat16().float()) for each in net.parameters())
    wanted = reference_losses(8, rate=1e-2, clip=0.5, decay=0.1, batches=Counting())
    assert notes.losses == pytest.approx(wanted, abs=0.05)


def test_a_run_that_widens_what_it_multiplies_leaves_the_model_as_it_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})

    class Look(Notes):
        def step(self, run: Run, record: StepRecord) -> None:
            super().step(run, record)
            assert isinstance(run.model.head, WideLinear)

    net, notes, _ = trained(tmp_path, replace(SETTINGS, dtype="bfloat16"), notes=Look())
    wanted = reference_losses(8, rate=1e-2, clip=0.5, decay=0.1, batches=Counting())
    assert notes.losses == pytest.approx(wanted, abs=0.05)
    assert [type(part) for part in net.modules()] == [type(part) for part in model().modules()]


def test_the_mean_of_the_weights_is_judged_and_left_in_the_model(tmp_path: Path):
    class Keep(Notes):
        def __init__(self) -> None:
            super().__init__()
            self.mean: list[torch.Tensor] = []

        def step(self, run: Run, record: StepRecord) -> None:
            now = [each.detach().clone() for each in run.weights.kept.values()]
            old = self.mean or [each.detach() for each in model().parameters()]
            self.mean = [a * 0.5 + b * 0.5 for a, b in zip(old, now, strict=True)]

    keep = Keep()
    net, _, report = trained(tmp_path, replace(SETTINGS, average=0.5), notes=keep)
    for found, wanted in zip(net.parameters(), keep.mean, strict=True):
        torch.testing.assert_close(found.detach(), wanted, atol=1e-6, rtol=1e-5)
    with torch.no_grad():
        rows = [Counting(seed=9).batch(step, range(4)) for step in range(2)]
        sums = sum(float(Next().loss(net, each).terms["tokens"][0]) for each in rows)
    assert report.losses["loss"] == pytest.approx(sums / sum(each.asked for each in rows), abs=1e-6)


def test_checkpoints_and_looks_come_when_they_are_due(tmp_path: Path):
    _, notes, _ = trained(tmp_path, replace(SETTINGS, save_every=3, evaluate_every=4))
    assert [each.name for each in notes.folders] == ["step-00000003", "step-00000006", "step-00000008"]
    assert len(notes.looks) == 2


def test_a_step_without_a_number_stops_and_keeps_its_batch(tmp_path: Path):
    net = model()
    with torch.no_grad():
        next(net.parameters()).fill_(float("inf"))
    before = [each.detach().clone() for each in net.parameters()]
    with pytest.raises(TrainingError, match=r"Step 1 has loss .*nan.*its batch is in .*failed-step-00000001"):
        train(net, Next(), Counting(), SETTINGS, tmp_path)
    assert (tmp_path / "failed-step-00000001-00000.safetensors").stat().st_size > 0
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), before, strict=True))


def test_other_data_are_refused_and_other_settings_told(tmp_path: Path):
    trained(tmp_path, replace(SETTINGS, steps=2))
    with pytest.raises(TrainingError, match=r"another run \(there, here\): data: 'counting', 'other'"):
        trained(tmp_path, batches=Counting(fingerprint="other"))
    _, notes, _ = trained(tmp_path, replace(SETTINGS, steps=3))
    assert "step 2" in notes.messages[0]
    assert "steps: 2, 3" in notes.messages[1]


def test_a_run_that_is_over_is_not_begun_again(tmp_path: Path):
    once, _, _ = trained(tmp_path)
    again, notes, report = trained(tmp_path)
    assert (notes.records, report.step) == ([], 8)
    assert equal(once, again)
    with pytest.raises(TrainingError, match=r"already at step 8, beyond the 4"):
        trained(tmp_path, replace(SETTINGS, steps=4))


def test_a_damaged_checkpoint_is_told_and_the_one_before_goes_on(tmp_path: Path):
    straight, _, _ = trained(tmp_path / "straight")
    trained(tmp_path / "run", replace(SETTINGS, steps=6, save_every=3))
    newest = tmp_path / "run" / "checkpoints" / "step-00000006"
    part = newest / "part-00000.safetensors"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"Remove the folder .*step-00000006"):
        trained(tmp_path / "run")
    for each in newest.iterdir():
        each.unlink()
    newest.rmdir()
    resumed, _, _ = trained(tmp_path / "run")
    assert equal(straight, resumed)
