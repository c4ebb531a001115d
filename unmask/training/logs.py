"""What a run leaves to be read: log.jsonl, a line a look, and TensorBoard's curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.base.errors import MissingExtra
from unmask.base.files import atomic, storage_errors
from unmask.training.hooks import Hook, StepRecord, TrainReport

if TYPE_CHECKING:
    from unmask.training.run import Run

LOG = "log.jsonl"
"""Lines of {"step", "loss", "terms", "rate", "norm", "seen", "tokens_s"}, and of {"step", "validation"}."""
CURVES = "tensorboard"
"""The folder of TensorBoard's files in a run's."""


class Log(Hook):
    """Appends to log.jsonl, so that a run can be looked at while it runs.

    What a broken-off run wrote after its last checkpoint is taken away when it goes on: those steps come again.
    """

    def __init__(self) -> None:
        self.pace = Pace()

    def begin(self, run: Run) -> None:
        self.path = run.folder / LOG
        self.every = run.settings.log_every
        kept = [line for line in lines(self.path) if line["step"] <= run.step]
        with atomic(self.path) as stream:
            stream.writelines(json.dumps(line).encode() + b"\n" for line in kept)

    def step(self, run: Run, record: StepRecord) -> None:
        self.pace.add(record)
        if self.every and record.step % self.every == 0:
            values = {name: getattr(record, name) for name in ("step", "loss", "terms", "rate", "norm", "seen")}
            self.append(values | {"tokens_s": round(self.pace.take(), 1)})

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        self.append({"step": run.step, "validation": dict(values)})

    def append(self, values: Mapping[str, Any]) -> None:
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")


class Pace:
    """Tokens a second since it was last asked."""

    def __init__(self) -> None:
        self.tokens, self.seconds = 0, 0.0

    def add(self, record: StepRecord) -> None:
        self.tokens += record.tokens
        self.seconds += record.seconds

    def take(self) -> float:
        found = self.tokens / max(self.seconds, 1e-9)
        self.tokens, self.seconds = 0, 0.0
        return found


def lines(path: Path) -> list[dict[str, Any]]:
    """What a log holds; none if there is no such file. A last line that a power cut broke off is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


class TensorBoard(Hook):
    """Writes the same curves for TensorBoard, into the run's folder.

    Raises:
        MissingExtra: if its package is not installed; when this is made, before anything is learnt in vain.
    """

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtra(
                "TensorBoard's curves need {package}. Run: pip install 'unmask[track]'", package="tensorboard"
            ) from error
        self.make: Any = SummaryWriter

    def begin(self, run: Run) -> None:
        # Steps that come again after a broken-off run take the place of what it wrote of them.
        self.writer = self.make(run.folder / CURVES, purge_step=run.step + 1)

    def step(self, run: Run, record: StepRecord) -> None:
        if run.settings.log_every and record.step % run.settings.log_every == 0:
            for name, value in {"loss": record.loss, "rate": record.rate, "norm": record.norm, **record.terms}.items():
                self.writer.add_scalar(f"train/{name}", value, record.step)

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(f"validation/{name}", value, run.step)

    def end(self, run: Run, report: TrainReport) -> None:
        self.writer.close()
