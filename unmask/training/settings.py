"""What a run is asked: how long, how fast, in what numbers, and how often it saves and looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unmask.base.errors import TrainingError
from unmask.base.registry import nearest
from unmask.base.runtime import DTYPES

SHAPES = ("constant", "cosine", "linear", "wsd", "noam")


def at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise TrainingError("{name} is {value}; it must be at least {least}.", name=name, value=value, least=least)


def within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise TrainingError(
            "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=low, high=high
        )


@dataclass(frozen=True)
class Schedule:
    """The learning rate over a run of `steps`, as a share of its peak; a pure function of the step.

    All shapes rise linearly over `warmup` steps. Then "constant" stays, "cosine" and "linear" fall to `floor` (a share
    of the peak) at the end, "wsd" stays and falls linearly over the last `decline` (a share of all steps), and "noam"
    falls with the inverse root of the step.
    Sources: cosine, Loshchilov and Hutter 2017, section 3; wsd, Hu et al. 2024 (MiniCPM), section 4.2; noam, Vaswani
    et al. 2017, section 5.3, its peak being that of equation 3.
    """

    shape: str = "cosine"
    warmup: int = 100
    floor: float = 0.1
    decline: float = 0.2

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise TrainingError(
                "Unknown schedule {name!r}; known are {known}. Did you mean {nearest!r}?",
                name=self.shape,
                known=", ".join(SHAPES),
                nearest=nearest(self.shape, SHAPES, count=1)[0],
            )
        at_least("warmup", self.warmup, 0)
        within("floor", self.floor, 0, 1)
        within("decline", self.decline, 0, 1)

    def share(self, step: int, steps: int) -> float:
        """The share of the peak in `step`, which counts from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.shape == "constant":
            return 1.0
        if self.shape == "noam":
            return math.sqrt(max(self.warmup, 1) / (step + 1))
        fall = max(1, round(steps * self.decline)) if self.shape == "wsd" else steps - self.warmup
        gone = min(1.0, max(0.0, (step - (steps - fall)) / max(1, fall)))
        kept = 0.5 * (1 + math.cos(math.pi * gone)) if self.shape == "cosine" else 1 - gone
        return self.floor + (1 - self.floor) * kept


@dataclass(frozen=True)
class AdamW:
    """Adam with decay apart from the gradient: of matrices and tables, never of biases and norms.

    Source: Loshchilov and Hutter 2019, algorithm 2; which weights decay: GPT-3 (Brown et al. 2020), appendix B.
    """

    rate: float = 3e-4
    decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise TrainingError("The learning rate is {value}; it must be above 0.", value=self.rate)
        for beta in self.betas:
            if not 0 <= beta < 1:
                raise TrainingError("AdamW's betas are {value}; each must be from 0 to below 1.", value=self.betas)
        within("decay", self.decay, 0, math.inf)


@dataclass(frozen=True)
class TrainSettings:
    """All that `train` is told beside the model, the objective and the data.

    Args:
        steps: of the optimizer.
        micro_rows: rows that one process runs at once, fewer to save memory; None runs all of its rows at once.
        clip: the largest norm of a step's gradient; larger ones are scaled down to it. None lets them be.
        dtype: what the model computes in; the weights that learn are float32 whatever it is.
        checkpointing: keep only what goes from block to block and compute the rest again, for memory.
        average: the decay of a running mean of the weights, by which the result is then judged and saved; None keeps
            none. Source: Polyak and Juditsky 1992; exponential as in Adam's paper (Kingma and Ba 2015), section 7.2.
        compile: through torch.compile, which takes a minute first.
        seed: of everything that is drawn.
        save_every, evaluate_every, log_every: steps; 0 never does, but the end is always saved and judged.
        evaluation_steps: batches of the validation data that are judged each time; None takes 20.
        keep: checkpoints that stay.
    """

    steps: int
    micro_rows: int | None = None
    optimizer: AdamW = AdamW()
    schedule: Schedule = Schedule()
    clip: float | None = 1.0
    dtype: str = "float32"
    checkpointing: bool = False
    average: float | None = None
    compile: bool = False
    seed: int = 0
    save_every: int = 200
    evaluate_every: int = 200
    log_every: int = 10
    evaluation_steps: int = 20
    keep: int = 2

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("save_every", 0), ("evaluate_every", 0), ("log_every", 0), ("keep", 1)):
            at_least(name, getattr(self, name), least)
        at_least("evaluation_steps", self.evaluation_steps, 1)
        at_least("seed", self.seed, 0)
        if self.micro_rows is not None:
            at_least("micro_rows", self.micro_rows, 1)
        if self.clip is not None and not self.clip > 0:
            raise TrainingError("clip is {value}; it must be above 0, or none.", value=self.clip)
        if self.average is not None:
            within("average", self.average, 0, 1)
        if self.dtype not in DTYPES[:2]:
            raise TrainingError(
                "Training computes in {known}; dtype is {value!r}.", known=", ".join(DTYPES[:2]), value=self.dtype
            )
