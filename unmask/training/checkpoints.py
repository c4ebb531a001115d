"""A run's checkpoints: written between steps, and gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from unmask.base.errors import TrainingError
from unmask.base.language import say
from unmask.training.processes import together
from unmask.training.run import Run
from unmask.training.state import Saved, clear, differences, folder_of, newest, require_same, seal, write_part


class Keeper:
    """Saves a run and takes it up again.

    Args:
        identity: what must be the same in a checkpoint that the run goes on from.
        settings, environment: what may differ, but is then told of, for the result may differ in its last bits or more.
    """

    def __init__(
        self,
        run: Run,
        identity: Mapping[str, object],
        settings: Mapping[str, object],
        environment: Mapping[str, object],
    ) -> None:
        self.run, self.identity = run, identity
        self.conditions: dict[str, object] = {**flat(settings), **environment}
        self.folder = run.folder / "checkpoints"

    def save(self) -> Path:
        """Write a checkpoint of the present step; where it is.

        Raises:
            StorageError: if it cannot be written; the checkpoints before stay.
            TrainingError: if another process cannot write its part.
        """
        run, processes = self.run, self.run.processes
        record = {
            "step": run.step,
            "seen": run.seen,
            "seconds": run.seconds,
            "run": self.identity,
            "conditions": self.conditions,
        }
        together(processes, lambda: clear(self.folder, run.step), first=True)
        pieces = {name: processes.piece(each) for name, each in run.weights.state().items()}
        own = {name: each for name, each in pieces.items() if each is not None}
        together(processes, lambda: write_part(self.folder, run.step, processes.rank, own))
        together(
            processes,
            lambda: seal(self.folder, run.step, record, parts=processes.count, keep=run.settings.keep),
            first=True,
        )
        return folder_of(self.folder, run.step)

    @torch.no_grad()
    def resume(self) -> list[str]:
        """Go on from the newest checkpoint, if there is one; what the user should know of it."""
        run, processes = self.run, self.run.processes
        saved = newest(self.folder)
        step = saved.record["step"] if saved else 0
        if processes.summed([step]) != [step * processes.count]:
            raise TrainingError(
                "The processes do not see the same checkpoints in {folder}: it must be on a disk that all of them "
                "share.",
                folder=self.folder,
            )
        if saved is None:
            return []
        require_same(self.identity, saved)
        run.step, run.seen = step, saved.record["seen"]
        run.seconds = saved.record["seconds"]
        if run.step > run.settings.steps:
            raise TrainingError(
                "{folder} is already at step {step}, beyond the {steps} that are asked for.",
                folder=saved.folder,
                step=run.step,
                steps=run.settings.steps,
            )
        run.weights.begin(run.step)
        for name, tensor in run.weights.state().items():
            fill(tensor, saved, name, run)
        run.weights.give(run.weights.kept)
        notes = [say("Going on from step {step} ({folder}).", step=run.step, folder=saved.folder)]
        changed = differences(self.conditions, saved.record["conditions"])
        if changed:
            notes.append(
                say(
                    "Not the same as when it began, so not the same to the bit (then, now): {changed}.",
                    changed="; ".join(changed),
                )
            )
        return notes


def fill(tensor: Tensor, saved: Saved, name: str, run: Run) -> None:
    """Read what this process holds of a tensor."""
    here, begin = run.processes.rows_of(tensor)
    end = begin + len(here) if here.dim() else None
    here.copy_(saved.read(name, begin, end))


def flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested settings under dotted names, in forms that JSON gives back equal."""
    out: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = list(value) if isinstance(value, tuple) else value
    return out
