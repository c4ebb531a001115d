"""How far a run is, for whoever watches: a bar on a terminal, else a line at each look at the validation data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from unmask.base.language import say
from unmask.core.memory import process_memory
from unmask.training.hooks import Hook, StepRecord, TrainReport
from unmask.training.logs import Pace

if TYPE_CHECKING:
    from unmask.training.run import Run

BAR = "{n_fmt}/{total_fmt} {bar:20} {elapsed}<{remaining} {postfix}"
EVERY = 10
"""Steps between two readings of speed and memory on a terminal."""


class Progress(Hook):
    """Writes to standard error."""

    def begin(self, run: Run) -> None:
        from tqdm import tqdm

        self.bar = tqdm(
            total=run.settings.steps, initial=run.step, disable=not sys.stderr.isatty(), bar_format=BAR, leave=True
        )
        self.pace = Pace()
        self.told = 0

    def step(self, run: Run, record: StepRecord) -> None:
        self.pace.add(record)
        self.last = record
        self.bar.update()
        if not self.bar.disable and record.step - self.told >= EVERY:
            self.bar.set_postfix_str(self.figures(run))

    def figures(self, run: Run) -> str:
        self.told = self.last.step
        return say(
            "loss {loss:.3f}, {speed:,.0f} tokens/s, {memory:,.0f} MB",
            loss=self.last.loss,
            speed=self.pace.take(),
            memory=taken(run.device) / 1e6,
        )

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        told = say("step {step:,} of {steps:,}:", step=run.step, steps=run.settings.steps)
        judged = say("validation {loss:.3f}", loss=values["loss"])
        figures = [self.figures(run)] if run.step > self.told else []
        self.note(run, " ".join((told, "; ".join((*figures, judged)))))

    def note(self, run: Run, message: str) -> None:
        from tqdm import tqdm

        tqdm.write(message, file=sys.stderr)  # without a bar too: a run may have something to say before it begins

    def end(self, run: Run, report: TrainReport) -> None:
        self.bar.close()


def taken(device: torch.device) -> int:
    """Bytes that this process holds where it computes."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else process_memory(device)
