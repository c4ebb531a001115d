"""What a run tells those who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmask.training.run import Run


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step.

    Args:
        step: counts from 1: how many have been made.
        loss: the step's, summed over its terms.
        terms: each term's mean over what it asked.
        rate: the learning rate that it was taken with.
        norm: of the gradient, before it was clipped.
        tokens: read in this step, by all processes, padding not counted.
        seen: the same since the run began.
        seconds: that it took.
    """

    step: int
    loss: float
    terms: Mapping[str, float]
    rate: float
    norm: float
    tokens: int
    seen: int
    seconds: float


@dataclass(frozen=True)
class TrainReport:
    """How a run ended.

    Args:
        step: optimizer steps made since the run began, resumed parts included.
        stopped: whether it ended early because it was asked to (Ctrl-C, SIGTERM); it can be resumed.
        losses: of the last evaluation, or of the last step where there was no validation data; by term and "loss".
        seconds: of training, in all its parts.
        seen: tokens read, in all its parts.
        folder: of the run.
    """

    step: int
    stopped: bool
    losses: Mapping[str, float]
    seconds: float
    seen: int
    folder: Path


class Hook:
    """Someone who watches; what it does not care for, it leaves as it is here. Called in the first process alone."""

    def begin(self, run: Run) -> None:
        """Before the first step; `run.step` is not 0 where the run is resumed."""

    def step(self, run: Run, record: StepRecord) -> None:
        """After each step."""

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        """After each look at the validation data: the mean of each term, and "loss", their sum."""

    def saved(self, run: Run, folder: Path) -> None:
        """After each checkpoint."""

    def note(self, run: Run, message: str) -> None:
        """Something that the user should know; in the user's language."""

    def end(self, run: Run, report: TrainReport) -> None:
        """After the last step, its checkpoint written."""
