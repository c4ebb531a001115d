"""Trains, is killed, and trains again; run by test_resume.py in a process of its own.

    python resumed.py FOLDER

Each part that is to be killed is a fork of this process, which has one thread; kill -9 leaves it no time for anything.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tests.token_rows import BERT, FIRST, GLM, Texts, tokenizer
from tests.unit.training.tiny import Counting, Next, model
from unmask.core.dropout import Dropout, drop
from unmask.core.initial import initialize
from unmask.data.batches import Batches
from unmask.data.blanks import BlankBatches, Mixture
from unmask.data.causal import CausalBatches
from unmask.data.masked import MaskedBatches
from unmask.data.parallel import PairBatches, parallel
from unmask.families.scales import dial, dial_seq2seq
from unmask.training.hooks import Hook, StepRecord
from unmask.training.loop import train
from unmask.training.objectives import Blanks, Causal, Masked, Objective, Sequence
from unmask.training.run import Run
from unmask.training.settings import AdamW, Schedule, TrainSettings

STEPS = 6
SETTINGS = TrainSettings(
    steps=STEPS, micro_rows=2, optimizer=AdamW(rate=1e-2), schedule=Schedule(warmup=2), save_every=2, average=0.9
)


@dataclass(frozen=True)
class Case:
    """Something to be learnt."""

    make: Callable[[], nn.Module]
    objective: Objective
    batches: Batches


class Losses(Hook):
    """Writes each loss down, to the bit, and dies after a step."""

    def __init__(self, path: Path, dies_after: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.dies_after = path, dies_after

    def step(self, run: Run, record: StepRecord) -> None:
        with self.path.open("a") as stream:
            stream.write(f"{record.step} {record.loss.hex()}\n")
        if record.step == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def run(case: Case, folder: Path, *, dies_after: int | None = None) -> nn.Module:
    net = case.make()
    train(
        net, case.objective, case.batches, SETTINGS, folder, hooks=[Losses(folder.with_suffix(".losses"), dies_after)]
    )
    return net


def killed(act: Callable[[], object]) -> bool:
    """Whether `act`, in a fork, was killed; False if it came to its end."""
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def losses(folder: Path) -> dict[str, str]:
    """Step -> its loss; a step that was made twice must have had the same loss twice."""
    found: dict[str, str] = {}
    for line in folder.with_suffix(".losses").read_text().splitlines():
        step, loss = line.split()
        assert found.setdefault(step, loss) == loss, f"step {step}: {found[step]}, then {loss}"
    return found


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def after_any_step(case: Case, folder: Path) -> None:
    """Killed after each of the steps in turn, each time gone on: the whole run's losses and weights."""
    straight = run(case, folder / "straight")
    for step in (1, 2, 5):
        assert killed(lambda step=step: run(case, folder / "killed", dies_after=step)), step
    resumed = run(case, folder / "killed")
    assert losses(folder / "killed") == losses(folder / "straight")
    assert same(straight, resumed)


def during_a_save(case: Case, folder: Path) -> int:
    """Killed at the first, second, third ... time that a save reaches the disk; how many such times there were."""
    straight = run(case, folder / "straight")
    for number in itertools.count(1):
        place = folder / f"saved-{number}"
        if not killed(lambda number=number, place=place: dying(number, lambda: run(case, place))):
            return number - 1
        assert same(straight, run(case, place)), number
        assert losses(place) == losses(folder / "straight")
    return 0


def dying(number: int, act: Callable[[], object]) -> None:
    """Act, but die at the `number`-th fsync."""
    real, left = os.fsync, itertools.count(number, -1)

    def fsync(handle: int) -> None:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        real(handle)

    os.fsync = fsync  # type: ignore[assignment]
    act()


CORPUS = Texts([[7, 5, 9]] * 12, word=2, end=2)
ROWS = {"rows": 4, "length": 24, "seed": 3}


def cases() -> dict[str, Case]:
    """Each objective with data of its own, its model with dropout."""
    bert, glm = (tokenizer(names, size=CORPUS.vocab, end=names[2]) for names in (BERT, GLM))
    ids = [list(range(FIRST, FIRST + 3 + size)) for size in range(9)]
    pairs = parallel(ids, [each[::-1] for each in ids], end=2, length=24)
    return {
        "causal": Case(family("gpt2"), Causal(), CausalBatches(CORPUS, **ROWS)),
        "masked": Case(family("bert"), Masked(), MaskedBatches(CORPUS, bert, **ROWS, words=True, pairs=True)),
        "blanks": Case(family("glm"), Blanks(), BlankBatches(CORPUS, glm, **ROWS, mixture=Mixture(1, 1, 1))),
        "sequence": Case(sides, Sequence(), PairBatches(pairs, rows=4, seed=3, start=0, pad=0)),
    }


def family(name: str) -> Callable[[], nn.Module]:
    return lambda: dropped(dial(name, depth=1, vocab=CORPUS.vocab, context=24).build(), name)


def sides() -> nn.Module:
    return dropped(dial_seq2seq(depth=1, vocab=CORPUS.vocab, context=24).build(), "transformer")


def dropped(net: nn.Module, scheme: str) -> nn.Module:
    initialize(net, seed=0, scheme=scheme)
    drop(net, Dropout(embedding=0.1, residual=0.1, attention=0.1))
    return net


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for name, case in cases().items():
        after_any_step(case, folder / name)
        print(f"{name}: equal to the bit")
    print("saves: killed at", during_a_save(Case(model, Next(), Counting()), folder / "saves"), "places")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
