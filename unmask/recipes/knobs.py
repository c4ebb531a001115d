"""What a recipe can be told: one frozen dataclass of knobs, and how `--set name=value` turns them."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.base.registry import nearest
from unmask.base.runtime import quick_dtype, resolve_device
from unmask.families.scales import HEAD_WIDTH, Scale
from unmask.training.settings import AdamW, Schedule, TrainSettings

NONE = "none"
"""How a knob is told to be off."""
TRUTHS = {"true": True, "false": False}
Turned = TypeVar("Turned", bound="Training")


@dataclass(frozen=True, kw_only=True)
class Training:
    """The knobs that every recipe has beside its own; a recipe may choose other values."""

    field: str = "text"
    """Which field of .jsonl, or column of .tsv, is the text."""
    by: Literal["file", "paragraph", "line"] = "file"
    """What a document of a .txt is."""
    held: Literal["tail", "documents"] = "documents"
    """What is held out to judge by: whole documents, or the end of each (for a few long ones)."""
    validation: float = 0.05
    """The share that is held out."""
    size: str | None = None
    """A published model's, such as gpt2 or bert-base; none: as the next three say."""
    depth: int = 4
    """The one dial: layers; the width goes with it."""
    width: int | None = None
    """Numbers of a token inside the model; none: 64 times the depth."""
    heads: int | None = None
    """Heads of attention; none: one for each 64 of the width."""
    length: int = 128
    """Tokens of a row, which are also the longest that the model will read."""
    steps: int = 2000
    """Steps of the optimizer."""
    rows: int = 16
    """Rows of a step, of all processes together."""
    micro_rows: int | None = None
    """Rows that run at once, fewer to save memory; none: all of them."""
    rate: float = 1e-3
    """The highest learning rate."""
    warmup: int = 100
    """Steps in which the rate rises to it."""
    schedule: Literal["cosine", "linear", "wsd", "noam", "constant"] = "cosine"
    """How the rate falls after that."""
    floor: float = 0.1
    """What is left of the rate at the end, as a share."""
    decay: float = 0.1
    """How strongly AdamW pulls matrices towards 0."""
    beta2: float = 0.95
    """How slowly AdamW forgets the size of gradients."""
    clip: float | None = 1.0
    """The largest norm of a step's gradient; none lets it be."""
    dropout: float = 0.0
    """The share of numbers dropped in learning, against learning by heart."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """What it computes in: bfloat16 where the machine has units for it, else float32. What learns stays float32."""
    checkpointing: bool = False
    """Compute twice what a layer keeps inside, to save memory."""
    average: float | None = None
    """The decay of a running mean of the weights, which is then what is saved."""
    compile: bool = False
    """Through torch.compile, which takes a minute first."""
    device: str | None = None
    """Where to compute: cpu, cuda; none: the best there is."""
    share: Literal["data", "sharded"] = "data"
    """What processes started by torchrun share: only the rows, or the weights too."""
    seed: int = 0
    """Same seed, same run."""
    save_every: int = 200
    """Steps between checkpoints; 0: at the end alone."""
    keep: int = 2
    """Checkpoints that stay on the disk."""
    evaluate_every: int = 200
    """Steps between looks at the validation text; 0: at the end alone."""
    evaluation_steps: int = 20
    """Batches of the validation text at each look."""
    log_every: int = 10
    """Steps between lines of log.jsonl."""
    tensorboard: bool = False
    """Write the curves for TensorBoard too."""

    @property
    def scale(self) -> Scale:
        """The size that the dial, the width and the heads give."""
        width = self.width or HEAD_WIDTH * self.depth
        return Scale(width, self.depth, self.heads or max(1, width // HEAD_WIDTH))

    def settings(self) -> TrainSettings:
        """What the loop is told.

        Raises:
            TrainingError: if a knob is out of its range.
        """
        return TrainSettings(
            steps=self.steps,
            micro_rows=self.micro_rows,
            optimizer=AdamW(rate=self.rate, decay=self.decay, betas=(0.9, self.beta2)),
            schedule=Schedule(self.schedule, warmup=self.warmup, floor=self.floor),
            clip=self.clip,
            dtype=quick_dtype(resolve_device(self.device)) if self.dtype == "auto" else self.dtype,
            checkpointing=self.checkpointing,
            average=self.average,
            compile=self.compile,
            seed=self.seed,
            save_every=self.save_every,
            evaluate_every=self.evaluate_every,
            evaluation_steps=self.evaluation_steps,
            log_every=self.log_every,
            keep=self.keep,
        )


def turned(knobs: type[Turned], assignments: Sequence[str]) -> Turned:
    """The knobs with these "name=value" in place of what they were.

    Raises:
        RequestError: for a name there is not, a value of the wrong kind, or what is no assignment.
    """
    kinds = typing.get_type_hints(knobs)
    names = [field.name for field in fields(knobs)]
    values = {}
    for text in assignments:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise RequestError("--set wants NAME=VALUE, such as steps=100; it was given {text!r}.", text=text)
        if name not in names:
            raise RequestError(
                "There is no knob {name!r}. Did you mean {nearest!r}? All knobs: {known}.",
                name=name,
                nearest=nearest(name, names, count=1)[0],
                known=", ".join(names),
            )
        values[name] = value_of(name, kinds[name], value)
    return knobs(**values)


def value_of(name: str, kind: Any, text: str) -> Any:
    """
    Raises:
        RequestError: if the text is no such value.
    """
    options = alternatives(kind)
    if type(None) in options and text.lower() == NONE:
        return None
    option = next(each for each in options if each is not type(None))
    if typing.get_origin(option) is Literal:
        known = typing.get_args(option)
        if text in known:
            return text
        raise RequestError(
            "{name} cannot be {value!r}; it can be {known}. Did you mean {nearest!r}?",
            name=name,
            value=text,
            known=", ".join(known),
            nearest=nearest(text, known, count=1)[0],
        )
    if option is bool and text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    try:
        if option is not bool:
            return option(text)
    except ValueError:
        pass
    raise RequestError("{name} cannot be {value!r}; it wants {kind}.", name=name, value=text, kind=wanted(kind))


def alternatives(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def wanted(kind: Any) -> str:
    """What values a knob takes, in words."""
    words = {
        int: say("a whole number"),
        float: say("a number"),
        bool: say("true or false"),
        str: say("a text"),
        type(None): NONE,
    }
    told = [
        "|".join(typing.get_args(each)) if typing.get_origin(each) is Literal else words[each]
        for each in alternatives(kind)
    ]
    return say(" or ").join(told)


def written(value: object) -> str:
    """A value as `--set` takes it."""
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)
