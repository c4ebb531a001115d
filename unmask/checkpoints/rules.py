"""Declared rules between a checkpoint's tensor names and ours, applied either way; every tensor is named or refused.

A pattern is a dotted name in which `{i}` stands for a layer's number, `{p}` for weight or bias, `{n}` for the same of a
norm (old files say gamma and beta), and `[...]` for a part that some writers leave out. A rule gives what one of their
tensors is in our names, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from unmask.base.errors import CheckpointError
from unmask.base.registry import nearest
from unmask.checkpoints.source import TensorSource
from unmask.core.places import Place, parameter_places, place

Shape = tuple[int, ...]


def unchanged(shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


@dataclass(frozen=True)
class Change:
    """A reversible step between one tensor of theirs and one or several of ours.

    `shape` is that of theirs, by the shapes of ours.
    """

    take: Callable[[Tensor], Sequence[Tensor]]
    give: Callable[[Sequence[Tensor]], Tensor]
    shape: Callable[[Sequence[Shape]], Shape] = unchanged


SAME = Change(take=lambda theirs: [theirs], give=lambda ours: ours[0])


def rows(count: int) -> Change:
    """[out, in] to `count` equal parts [out / count, in]."""
    return Change(take=lambda theirs: theirs.chunk(count), give=lambda ours: torch.cat(list(ours)), shape=stacked)


def stacked(shapes: Sequence[Shape]) -> Shape:
    return (sum(first for first, *_ in shapes), *shapes[0][1:])


def transposed_rows(count: int) -> Change:
    """[in, out] (GPT-2's Conv1D) to `count` equal parts [out / count, in]; vectors are only split."""

    def turned(x: Tensor) -> Tensor:
        return x.T if x.dim() == 2 else x

    return Change(
        take=lambda theirs: [part.contiguous() for part in turned(theirs).chunk(count)],
        give=lambda ours: turned(torch.cat(list(ours))).contiguous(),
        shape=lambda shapes: stacked(shapes)[::-1],
    )


def halved_pairs(heads: int) -> Change:
    """Rows of each head from GGUF's rotary order (pairs 0 1, 2 3, ...) to ours (halves 0 D/2, 1 D/2+1, ...)."""
    return Change(
        take=lambda theirs: [theirs.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)],
        give=lambda ours: ours[0].unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2),
    )


@dataclass(frozen=True)
class Rule:
    """One line of a family's rules; made by `rule`."""

    theirs: str
    ours: tuple[str, ...]
    change: Change
    pattern: re.Pattern[str] = field(compare=False)


def rule(theirs: str, *ours: str, change: Change = SAME) -> Rule:
    """Their pattern, our names for what it holds, and how the values change on the way."""
    return Rule(theirs, ours, change, compiled(theirs))


def compiled(pattern: str) -> re.Pattern[str]:
    expression = re.escape(pattern)
    for written, meaning in (
        (r"\{i\}", r"(?P<i>\d+)"),
        (r"\{p\}", r"(?P<p>weight|bias)"),
        (r"\{n\}", r"(?P<n>weight|bias|gamma|beta)"),
        (r"\[", "(?:"),
        (r"\]", ")?"),
    ):
        expression = expression.replace(written, meaning)
    return re.compile(expression)


NOT_REAL = re.compile(r"[IUC]\d+|BOOL|F[468](_.*)?")
"""Stored types of a weight that would be read as numbers which it does not mean."""

OLD_NAMES = {"gamma": "weight", "beta": "bias"}


@dataclass(frozen=True)
class Report:
    """What a fill did: names of theirs that were used, and of theirs that a rule says to leave out.

    `rounded` are those used whose stored blocks no part of ours computes with, so that they were rounded anew.
    """

    used: tuple[str, ...]
    ignored: tuple[str, ...]
    rounded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fit:
    """A source's tensors and their places in one model, all of the right shape."""

    places: Mapping[str, tuple[Change, list[list[Place]]]]
    """Name -> how it changes on the way, and for each tensor that it gives all its places."""
    report: Report

    def pour(self, source: TensorSource, *, dtype: torch.dtype | None, device: torch.device) -> None:
        """Read the tensors, one by one, into their places."""
        for name, (change, targets) in self.places.items():
            for places, value in zip(targets, change.take(source.read(name)), strict=True):
                put(places, value, dtype=dtype, device=device)


@dataclass(frozen=True)
class Rules:
    """All of one dialect: the rules in order, and the tensors left out by name.

    `bare`: what is in brackets is left out on the way out, too.
    """

    rules: tuple[Rule, ...]
    ignore: tuple[str, ...] = ()
    bare: bool = False

    def match(self, name: str) -> tuple[Rule, tuple[str, ...]] | None:
        """The first rule for their tensor `name`, and our names for what it holds."""
        for each in self.rules:
            found = each.pattern.fullmatch(name)
            if found:
                parts = {name: OLD_NAMES.get(value, value) for name, value in found.groupdict().items()}
                return each, tuple(ours.format(**parts) for ours in each.ours)
        return None

    def plan(
        self, theirs: Sequence[str], ours: Sequence[str]
    ) -> tuple[dict[str, tuple[Rule, tuple[str, ...]]], Report]:
        """Which of `theirs` fills which of `ours`.

        Raises:
            CheckpointError: if a tensor of theirs has no place, or one of ours is not filled, each with its nearest.
        """
        ignored = tuple(name for name in theirs if any(compiled(each).fullmatch(name) for each in self.ignore))
        plan: dict[str, tuple[Rule, tuple[str, ...]]] = {}
        filled: dict[str, str] = {}
        for name in theirs:
            if name in ignored:
                continue
            matched = self.match(name)
            if matched is None or not set(matched[1]) <= set(ours):
                raise CheckpointError(
                    "Tensor {name!r} has no place in this model ({count} tensors in the file). "
                    "Nearest of the model's: {nearest}. Is it a checkpoint of another architecture or size?",
                    name=name,
                    count=len(theirs),
                    nearest=", ".join(nearest(name, ours)),
                )
            plan[name] = matched
            for target in matched[1]:
                if target in filled:
                    raise CheckpointError(
                        "Tensors {first!r} and {second!r} both claim to be {target!r}. Remove one of them.",
                        first=filled[target],
                        second=name,
                        target=target,
                    )
                filled[target] = name
        for name in ours:
            if name not in filled:
                raise CheckpointError(
                    "The checkpoint lacks a tensor for {name!r}. Nearest in the file: {nearest}. "
                    "Is it complete (all shards there), and of this architecture and size?",
                    name=name,
                    nearest=", ".join(nearest(name, theirs)) or "-",
                )
        return plan, Report(used=tuple(plan), ignored=ignored)

    def fit(self, model: nn.Module, source: TensorSource, names: Sequence[str] | None = None) -> Fit:
        """Where each of the source's tensors goes in the model (which may be on meta). Reads none of them.

        Args:
            names: what the source holds, where some of that is in several tensors under other names; whoever reads
                those checks them. None is its tensors.
        Raises:
            CheckpointError: as in `plan`, or if a tensor has another shape than its place, or no real numbers.
        """
        places = parameter_places(model)
        plan, report = self.plan(list(source.tensors) if names is None else names, list(places))
        fitted = {name: (each.change, [places[target] for target in targets]) for name, (each, targets) in plan.items()}
        for name, (change, targets) in fitted.items():
            if name not in source.tensors:
                continue
            check_kind(name, source.tensors[name].dtype)
            check_shape(name, source.tensors[name].shape, change, targets)
        return Fit(fitted, report)

    def fill(
        self, model: nn.Module, source: TensorSource, *, dtype: torch.dtype | None, device: torch.device
    ) -> Report:
        """Put a source's tensors in place of a model's (which may be on meta), one by one.

        Args:
            dtype: what floating weights become; None keeps each as stored.
        Raises:
            CheckpointError: as in `fit`.
        """
        fitted = self.fit(model, source)
        fitted.pour(source, dtype=dtype, device=device)
        return fitted.report

    def outward(self, ours: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], Change]]:
        """The way out: each of their names, what of ours it is made of, and how."""
        layers = sorted({int(number) for name in ours for number in re.findall(r"\.(\d+)\.", name)})
        for each in self.rules:
            theirs = re.sub(r"\[.*?\]" if self.bare else r"[\[\]]", "", each.theirs)
            numbers = layers if "{i}" in theirs else [0]
            kinds = ("weight", "bias") if "{p}" in theirs or "{n}" in theirs else ("",)
            for values in ({"i": i, "p": kind, "n": kind} for i in numbers for kind in kinds):
                names = tuple(name.format(**values) for name in each.ours)
                if set(names) <= set(ours):
                    yield theirs.format(**values), names, each.change

    def give(self, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Our tensors under their names and in their form, for every rule that has something to give."""
        for theirs, names, change in self.outward(list(ours)):
            yield theirs, change.give([ours[name] for name in names])


def check_kind(name: str, dtype: str) -> None:
    """Their tensor must hold plain real numbers: others are codes, whose meaning is in tensors that we do not read.

    Raises:
        CheckpointError: if it does not.
    """
    if NOT_REAL.fullmatch(dtype):
        raise CheckpointError(
            "Tensor {name!r} is stored as {dtype}, which are not plain real numbers. Get the model in F32, F16 or "
            "BF16, or as GGUF.",
            name=name,
            dtype=dtype,
        )


def check_shape(name: str, shape: Shape, change: Change, places: list[list[Place]]) -> None:
    """Their tensor must have the shape that ours would give, so that no change meets one that it cannot cut.

    Raises:
        CheckpointError: if it has another one.
    """
    wanted = change.shape([tuple(getattr(module, attribute).shape) for (module, attribute), *_ in places])
    if shape != wanted:
        raise CheckpointError(
            "Tensor {name!r} has the shape {have}, where the configuration wants {want}. "
            "The configuration and the weights are not of the same model.",
            name=name,
            have=list(shape),
            want=list(wanted),
        )


def put(places: list[Place], value: Tensor, *, dtype: torch.dtype | None, device: torch.device) -> None:
    """Make `value` the parameter in all its places."""
    place(places, nn.Parameter(value.to(device=device, dtype=dtype)))
