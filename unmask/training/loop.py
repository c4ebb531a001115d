"""train(): the one loop, whatever is learnt. It resumes by itself, to the bit on one machine.

A step's batch, its dropout and its learning rate are functions of the seed and the step's number; so a run is its
weights, their moments and one number, and a checkpoint holds no more.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unmask.base.allocation import memory_kept
from unmask.base.language import say
from unmask.data.batches import Batches
from unmask.training.checkpoints import Keeper
from unmask.training.hooks import Hook, TrainReport
from unmask.training.objectives import Objective
from unmask.training.processes import Alone, Processes
from unmask.training.run import Run, share
from unmask.training.settings import TrainSettings
from unmask.training.stopping import Stopping


def train(
    model: nn.Module,
    objective: Objective,
    batches: Batches,
    settings: TrainSettings,
    folder: Path,
    *,
    validation: Batches | None = None,
    hooks: Sequence[Hook] = (),
    processes: Processes | None = None,
) -> TrainReport:
    """Train a model in place; where the folder holds a checkpoint of this run, from there on.

    Args:
        model: on its device, with float32 weights; it ends with the last ones, or with their mean where one is kept,
            float32 again and in evaluation mode.
        folder: of the run; checkpoints are in its `checkpoints`.
        processes: those that train together; None is this one alone.
    Raises:
        TrainingError: if the checkpoint is of another run (other data, seed, objective or model), the loss of a step is
            no number, rows do not divide among the processes, or another process cannot go on.
        CheckpointError: if the newest checkpoint is damaged.
        StorageError: if a checkpoint cannot be written; those before it stay.
    """
    processes = Alone() if processes is None else processes
    if validation:
        share(validation.rows, processes)  # refused now, not at the first look
    run = Run(model, objective, batches, settings, folder, processes)
    watchers = list(hooks) if processes.rank == 0 else []
    keeper = Keeper(run, identity(run), asdict(settings), environment(run))
    for message in keeper.resume():
        tell(watchers, "note", run, message)
    tell(watchers, "begin", run)
    with Stopping() as stopping, memory_kept():
        losses, stopped = follow(run, keeper, watchers, validation, stopping)
    run.finish()
    report = TrainReport(run.step, stopped, losses, run.seconds, run.seen, folder)
    tell(watchers, "end", run, report)
    return report


def follow(
    run: Run, keeper: Keeper, watchers: Sequence[Hook], validation: Batches | None, stopping: Stopping
) -> tuple[Mapping[str, float], bool]:
    """Step after step; the losses of the last look, and whether it was asked to stop before the end."""
    settings, losses = run.settings, dict[str, float]()
    while run.step < settings.steps:
        record = run.advance()
        losses = losses if validation else {**record.terms, "loss": record.loss}
        tell(watchers, "step", run, record)
        last = run.step == settings.steps
        stop = any(run.processes.summed([stopping.asked]))
        if validation and not (stop and not last) and due(run.step, settings.evaluate_every, last):
            began = time.perf_counter()
            losses = run.evaluate(validation)
            run.seconds += time.perf_counter() - began
            tell(watchers, "evaluated", run, losses)
        if stop or due(run.step, settings.save_every, last):
            tell(watchers, "saved", run, keeper.save())
        if stop and not last:
            tell(
                watchers,
                "note",
                run,
                say("Stopped after step {step}; the same command goes on from there.", step=run.step),
            )
            return losses, True
    return losses, False


def due(step: int, every: int, last: bool) -> bool:
    return last or (every > 0 and step % every == 0)


def tell(watchers: Sequence[Hook], what: str, *values: Any) -> None:
    for each in watchers:
        getattr(each, what)(*values)


def identity(run: Run) -> dict[str, object]:
    """What makes this run this run: a checkpoint with another is not gone on from."""
    shapes = {name: list(each.shape) for name, each in run.weights.kept.items()}
    return {
        "objective": repr(run.objective),
        "data": run.batches.fingerprint,
        "rows": run.batches.rows,
        "seed": run.settings.seed,
        "dtype": run.settings.dtype,
        "weights": digest(shapes),
    }


def digest(value: object) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def environment(run: Run) -> dict[str, object]:
    """What the bits of a result depend on beside the run itself: another only rounds elsewhere."""
    return {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": run.device.type,
        "threads": torch.get_num_threads(),
        "processes": run.processes.count,
    }
