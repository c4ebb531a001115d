"""What each of two processes does in the tests of several: many runs in one launch, for that takes longest.

    python -m torch.distributed.run --standalone --nproc-per-node 2 ranks.py SCRIPT FOLDER

SCRIPT is a function here. What the first process saw is left in FOLDER as JSON and safetensors.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from tests.unit.training.tiny import LENGTH, Counting, Next, model
from unmask.base.errors import UnmaskError
from unmask.core.transformer import Transformer
from unmask.data.batch import Batch
from unmask.families.load import Loaded
from unmask.families.save import save_folder
from unmask.training.crossentropy import token_loss
from unmask.training.distributed import processes
from unmask.training.hooks import Hook, StepRecord
from unmask.training.loop import train
from unmask.training.objectives import Loss
from unmask.training.processes import Processes
from unmask.training.run import Run
from unmask.training.settings import AdamW, Schedule, TrainSettings
from unmask.training.sharded import Sharded

SETTINGS = TrainSettings(
    steps=6,
    optimizer=AdamW(rate=1e-2, epsilon=1e-4),  # so that rounding is not made much of where a gradient is 0
    schedule=Schedule("constant", warmup=0),
    clip=0.5,
    save_every=3,
    evaluate_every=3,
    evaluation_steps=2,
)
VARIANTS = {
    "plain": SETTINGS,
    "pieces": replace(SETTINGS, micro_rows=1),
    "mean": replace(SETTINGS, average=0.5),
    "twice": replace(SETTINGS, checkpointing=True),
    "bfloat16": replace(SETTINGS, dtype="bfloat16", micro_rows=1),
}


class Losses(Hook):
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.messages: list[str] = []

    def step(self, run: Run, record: StepRecord) -> None:
        self.losses.append(record.loss)

    def note(self, run: Run, message: str) -> None:
        self.messages.append(message)


@dataclass(frozen=True)
class Struck(Counting):
    """Sends this process a signal while it makes the batch of a step; the process that makes row `row`."""

    number: int = signal.SIGTERM
    at: int = 2
    row: int = 3

    def batch(self, step: int, rows: range) -> Batch:
        if step == self.at and self.row in rows:
            os.kill(os.getpid(), self.number)
        return super().batch(step, rows)


@dataclass(frozen=True)
class Sometimes:
    """The next token, and a second term of a layer of its own, in rows that begin with an even token alone."""

    name: str = "sometimes"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"tokens": batch.asked} | {"even": int(self.even(batch).sum())}

    def even(self, batch: Batch) -> torch.Tensor:
        return batch.tokens[:, 0] % 2 == 0

    def loss(self, model: Any, batch: Batch) -> Loss:
        hidden, even = model(batch.tokens), self.even(batch)
        terms = {"tokens": (token_loss(hidden.flatten(0, 1), model.head, batch.targets.flatten()), batch.asked)}
        if bool(even.any()):
            terms["even"] = (model.second(hidden[even]).square().sum() / LENGTH, int(even.sum()))
        return Loss(terms)


def with_second() -> Transformer:
    net = model()
    net.second = nn.Linear(16, 2)
    return net


def learn(
    team: Processes,
    folder: Path,
    settings: TrainSettings = SETTINGS,
    *,
    batches: Counting | None = None,
    objective: Any = None,
    net: Transformer | None = None,
) -> tuple[Transformer, dict[str, Any]]:
    """A run, and what the first process saw of it."""
    net, seen = net or model(), Losses()
    report = train(
        net,
        objective or Next(),
        batches or Counting(),
        settings,
        folder,
        validation=Counting(seed=9),
        hooks=[seen],
        processes=team,
    )
    found = {"losses": seen.losses, "messages": seen.messages, "stopped": report.stopped}
    return net, found | {"judged": report.losses.get("loss"), "training": net.training}


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: each.detach().clone() for name, each in net.named_parameters()}


def refused(act: Callable[[], object]) -> list[str]:
    try:
        act()
    except UnmaskError as error:
        return [type(error).__name__, str(error)]
    return ["nothing", ""]


@contextmanager
def no_room(here: bool) -> Iterator[None]:
    """No file may become larger than 2 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if here:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def seen_by_all(value: list[str]) -> list[list[str]]:
    every: list[Any] = [None, None]
    torch.distributed.all_gather_object(every, value)
    return every


def variants(team: Processes, folder: Path, names: list[str]) -> dict[str, Any]:
    """Runs as they are asked for; each run's weights are left beside what was seen."""
    told = {}
    for name in names:
        net, told[name] = learn(team, folder / name, VARIANTS[name])
        save_file(weights(net), folder / f"{name}-{team.rank}.safetensors")
        if name == "plain" and team.rank == 0:
            save_folder(Loaded("gpt2", net.spec, net, None, None, None, None, {}), folder / "export")  # type: ignore[arg-type]
    return told


def small(folder: Path) -> None:
    """Everything that the short form of the tests asks of both kinds."""
    with processes("data") as replicated:
        for kind, team in (("data", replicated), ("sharded", Sharded())):
            here = folder / kind
            names = ["plain", "pieces", "bfloat16" if kind == "data" else "mean"]
            told = variants(team, here, names)
            settings = VARIANTS[names[-1]]
            _, told["first"] = learn(team, here / "parts", settings, batches=Struck())
            net, told["second"] = learn(team, here / "parts", settings)
            save_file(weights(net), here / f"second-{team.rank}.safetensors")
            _, told["one to two"] = learn(team, folder / f"alone-{kind}")
            _, told["unused"] = learn(team, here / "unused", objective=Sometimes(), net=with_second())
            told |= refusals(team, here)
            if team.rank == 0:
                (here / "told.json").write_text(json.dumps(told))


def refusals(team: Processes, here: Path) -> dict[str, Any]:
    """What goes wrong, and how each process is told of it."""
    told: dict[str, Any] = {"rows": refused(lambda: learn(team, here / "rows", batches=Counting(rows=3)))}
    broken = model()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    told["no number"] = seen_by_all(refused(lambda: learn(team, here / "nan", net=broken)))
    learn(team, here / "full", replace(SETTINGS, steps=3))
    with no_room(here=team.rank == 1):
        told["full"] = seen_by_all(refused(lambda: learn(team, here / "full")))
    _, told["after full"] = learn(team, here / "full")
    return told


def full(folder: Path) -> None:
    """All variants, each stopped by a signal to one process and gone on with."""
    with processes("data") as replicated:
        for kind, team in (("data", replicated), ("sharded", Sharded())):
            here = folder / kind
            told = variants(team, here, list(VARIANTS))
            for name, settings in VARIANTS.items():
                learn(team, here / "parts" / name, settings, batches=Struck(at=1))
                learn(team, here / "parts" / name, settings, batches=Struck(at=3, number=signal.SIGUSR1))
                net, told[f"{name} in parts"] = learn(team, here / "parts" / name, settings)
                save_file(weights(net), here / f"{name}-in-parts-{team.rank}.safetensors")
            if team.rank == 0:
                (here / "told.json").write_text(json.dumps(told))


def cuda(folder: Path) -> None:
    """Both kinds on two devices."""
    with processes("data") as replicated:
        for kind, team in (("data", replicated), ("sharded", Sharded())):
            net, told = learn(team, folder / kind / "run", VARIANTS["bfloat16"], net=model().to("cuda"))
            save_file(
                {name: each.cpu() for name, each in weights(net).items()}, folder / kind / f"{team.rank}.safetensors"
            )
            if team.rank == 0:
                (folder / kind / "told.json").write_text(json.dumps(told))


def killed(folder: Path) -> None:
    """Where it is asked for, the second process is killed in the middle of a step."""
    with processes(os.environ["KIND"]) as team:
        batches = Struck(number=signal.SIGKILL, at=5) if "KILL" in os.environ else Counting()
        net, _ = learn(team, folder / "run", replace(SETTINGS, steps=8, save_every=2), batches=batches)
        if team.rank == 0:
            save_file(weights(net), folder / "killed.safetensors")


def long(folder: Path) -> None:
    """Far more steps than there is time for: until it is stopped from outside."""
    with processes("sharded") as team:
        settings = replace(SETTINGS, steps=1_000_000, save_every=0, evaluate_every=0)

        class Ready(Losses):
            def step(self, run: Run, record: StepRecord) -> None:
                if record.step == 3:
                    (folder / "ready").touch()

        report = train(model(), Next(), Counting(), settings, folder / "run", hooks=[Ready()], processes=team)
        if team.rank == 0:
            (folder / "told.json").write_text(json.dumps({"stopped": report.stopped, "step": report.step}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    globals()[sys.argv[1]](Path(sys.argv[2]))
