"""A run in the middle of itself: the model, what learns, and how far it is; what a step does."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from unmask.base.errors import TrainingError
from unmask.base.runtime import resolve_dtype
from unmask.base.streams import key
from unmask.core.block import Block
from unmask.core.widening import as_built, wants_widening, widen_to_learn
from unmask.data.batch import Batch
from unmask.data.batches import Batches
from unmask.training.guard import keep_batch
from unmask.training.hooks import StepRecord
from unmask.training.objectives import Loss, Objective
from unmask.training.processes import Processes
from unmask.training.settings import TrainSettings
from unmask.training.weights import Weights


class Trainee(nn.Module):
    """Model and objective as one module, so that whatever wraps it sees each forward whole."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, batch: Batch) -> Loss:
        return self.objective.loss(self.model, batch)


class Run:
    """A model being trained.

    Args:
        model: on its device, its weights float32; `train` leaves it so.
        batches: of this run's data.
        processes: those that share the rows of each step.
    Raises:
        TrainingError: if the rows of a step do not divide among the processes.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        batches: Batches,
        settings: TrainSettings,
        folder: Path,
        processes: Processes,
    ) -> None:
        self.given, self.objective, self.batches = model, objective, batches
        self.settings, self.folder, self.processes = settings, folder, processes
        self.device = next(model.parameters()).device
        self.rows = share(batches.rows, processes)
        if settings.checkpointing:
            recompute(model)
        dtype = resolve_dtype(settings.dtype)
        if wants_widening(dtype, self.device):
            widen_to_learn(model)
        self.trainee = processes.wrap(Trainee(model, objective), dtype)
        self.model = learner(self.trainee)
        self.weights = Weights(self.model, settings)
        if settings.compile:
            for block in blocks(self.model):
                block.compile()
        self.step = 0
        self.seen = 0
        self.seconds = 0.0

    def advance(self) -> StepRecord:
        """One optimizer step.

        Raises:
            TrainingError: if its loss or its gradient is no number; no weight has changed then.
        """
        began = time.perf_counter()
        parts = [each.to(self.device) for each in self.parts(self.batches, self.step, self.rows)]
        counted, tokens = self.counted(parts)
        sums = dict.fromkeys(counted, 0.0)
        self.model.train()
        for number, part in enumerate(parts):
            self.processes.micro(self.trainee, last=number == len(parts) - 1)
            # Dropout draws from torch's own generator: it begins anew from numbers, so none of it must be saved.
            torch.manual_seed(key(self.settings.seed, "forward", self.step, self.rows.start, number))
            loss: Loss = self.trainee(part)
            total = sum(
                (value * (self.processes.count / counted[name]) for name, (value, _) in loss.terms.items()), ZERO
            )
            total.backward()
            self.weights.collect()
            for name, (value, _) in loss.terms.items():
                sums[name] += float(value.detach())
        means = self.means(sums, counted)
        norm = float(self.weights.clip(self.settings.clip))
        self.refuse_nonsense(means, norm, parts)
        rate = self.rate
        self.weights.step(rate)
        self.step += 1
        self.seen += tokens
        took = time.perf_counter() - began
        self.seconds += took
        return StepRecord(self.step, sum(means.values()), means, rate, norm, tokens, self.seen, took)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        settings = self.settings
        return settings.optimizer.rate * settings.schedule.share(self.step, settings.steps)

    def parts(self, batches: Batches, step: int, rows: range) -> list[Batch]:
        """This process's rows of a step, in pieces that the memory holds."""
        size = self.settings.micro_rows or len(rows)
        pieces = [rows[at : at + size] for at in range(0, len(rows), size)]
        return [batches.batch(step, each) for each in pieces]

    def counted(self, parts: Sequence[Batch]) -> tuple[dict[str, int], int]:
        """How much each term asks in all processes together, and the tokens that they read; a term that asks nothing
        counts as 1, for its sum is 0."""
        mine: dict[str, int] = {}
        for part in parts:
            for name, count in self.objective.counts(part).items():
                mine[name] = mine.get(name, 0) + count
        names = sorted(mine)
        *found, tokens = self.processes.summed([*(mine[name] for name in names), sum(map(read, parts))])
        return {name: max(1, round(count)) for name, count in zip(names, found, strict=True)}, round(tokens)

    def means(self, sums: Mapping[str, float], counted: Mapping[str, int]) -> dict[str, float]:
        names = sorted(sums)
        found = self.processes.summed([sums[name] for name in names])
        return {name: value / counted[name] for name, value in zip(names, found, strict=True)}

    def refuse_nonsense(self, means: Mapping[str, float], norm: float, parts: Sequence[Batch]) -> None:
        if all(abs(value) < float("inf") for value in (*means.values(), norm)):  # false for what is no number, too
            return
        self.weights.forget()
        path = keep_batch(self.folder, self.step + 1, self.processes.rank, parts)
        raise TrainingError(
            "Step {step} has loss {loss} and a gradient of norm {norm}: training cannot go on from there. No weight "
            "was changed; its batch is in {path}. Lower the rate or the clip, or lengthen the warm-up, and go on from "
            "the last checkpoint.",
            step=self.step + 1,
            loss=", ".join(f"{name} {value:g}" for name, value in means.items()),
            norm=f"{norm:g}",
            path=path,
        )

    @torch.no_grad()
    def evaluate(self, batches: Batches) -> dict[str, float]:
        """The mean of each term over the first batches of other data, with dropout off, and "loss", their sum."""
        sums: dict[str, float] = {}
        counts: dict[str, float] = {}
        self.model.eval()
        rows = share(batches.rows, self.processes)
        with self.weights.averaged():
            for step in range(self.settings.evaluation_steps):
                for part in self.parts(batches, step, rows):
                    for name, (value, count) in self.trainee(part.to(self.device)).terms.items():
                        sums[name] = sums.get(name, 0.0) + float(value)
                        counts[name] = counts.get(name, 0.0) + count
        names = sorted(sums)
        found = self.processes.summed([*(sums[each] for each in names), *(counts[each] for each in names)])
        means = {name: found[at] / max(1.0, found[at + len(names)]) for at, name in enumerate(names)}
        return {**means, "loss": sum(means.values())}

    def finish(self) -> None:
        """Leave the model with what it learnt: float32, in evaluation mode, and as it was built."""
        for block in blocks(self.given):
            block.__dict__.pop("forward", None)
            block.__dict__.pop("_compiled_call_impl", None)  # where torch's Module.compile leaves what it made
        as_built(self.given)
        self.processes.unwrap(self.trainee, self.weights.best)
        self.given.eval()


ZERO = torch.zeros(())


def share(rows: int, processes: Processes) -> range:
    """The rows of a step that are this process's."""
    if rows % processes.count:
        raise TrainingError(
            "{rows} rows of a step cannot be divided among {count} processes; choose a multiple.",
            rows=rows,
            count=processes.count,
        )
    each = rows // processes.count
    return range(processes.rank * each, (processes.rank + 1) * each)


def read(batch: Batch) -> int:
    """Tokens that the model reads, padding left out."""
    own = batch.tokens.numel() if batch.lengths is None else int(batch.lengths.sum())
    if batch.memory is None:
        return own
    return own + (batch.memory.numel() if batch.memory_lengths is None else int(batch.memory_lengths.sum()))


def learner(wrapped: nn.Module) -> nn.Module:
    """The model that learns: the one that was given, or the sharded copy of it."""
    return next(each.model for each in wrapped.modules() if isinstance(each, Trainee))


def recompute(model: nn.Module) -> None:
    """Let each block keep only what it was given, and compute the rest again on the way back.

    Source: Chen et al. 2016, arXiv 1604.06174, section 3.
    """
    for block in blocks(model):
        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)  # type: ignore[method-assign]


def blocks(model: nn.Module) -> Iterator[Block]:
    return (each for each in model.modules() if isinstance(each, Block))
