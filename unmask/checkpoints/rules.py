"""Declared rules between a checkpoint's tensor names and ours, applied either way; every tensor is named or refused.

A pattern is a dotted name in which `{i}` stands for a layer's number, `{p}` for weight or bias, and `[...]` for a
part that some writers leave out. A rule gives what one of their tensors is in our names, in order.
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


@dataclass(frozen=True)
class Change:
    """A reversible step between one tensor of theirs and one or several of ours."""

    take: Callable[[Tensor], Sequence[Tensor]]
    give: Callable[[Sequence[Tensor]], Tensor]


SAME = Change(take=lambda theirs: [theirs], give=lambda ours: ours[0])


def rows(count: int) -> Change:
    """[out, in] to `count` equal parts [out / count, in]."""
    return Change(take=lambda theirs: theirs.chunk(count), give=lambda ours: torch.cat(list(ours)))


def transposed_rows(count: int) -> Change:
    """[in, out] (GPT-2's Conv1D) to `count` equal parts [out / count, in]; vectors are only split."""

    def turned(x: Tensor) -> Tensor:
        return x.T if x.dim() == 2 else x

    return Change(
        take=lambda theirs: [part.contiguous() for part in turned(theirs).chunk(count)],
        give=lambda ours: turned(torch.cat(list(ours))).contiguous(),
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
        (r"\[", "(?:"),
        (r"\]", ")?"),
    ):
        expression = expression.replace(written, meaning)
    return re.compile(expression)


@dataclass(frozen=True)
class Report:
    """What a fill did: names of theirs that were used, and of theirs that a rule says to leave out."""

    used: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """All of one dialect: the rules in order, and the tensors left out by name."""

    rules: tuple[Rule, ...]
    ignore: tuple[str, ...] = ()

    def match(self, name: str) -> tuple[Rule, tuple[str, ...]] | None:
        """The first rule for their tensor `name`, and our names for what it holds."""
        for each in self.rules:
            found = each.pattern.fullmatch(name)
            if found:
                return each, tuple(ours.format(**found.groupdict()) for ours in each.ours)
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

    def fill(
        self, model: nn.Module, source: TensorSource, *, dtype: torch.dtype | None, device: torch.device
    ) -> Report:
        """Put a source's tensors in place of a model's (which may be on meta), one by one.

        Args:
            dtype: what floating weights become; None keeps each as stored.
        Raises:
            CheckpointError: as in `plan`, or if a tensor has another shape than its place.
        """
        places = parameter_places(model)
        plan, report = self.plan(list(source.tensors), list(places))
        for name, (each, targets) in plan.items():
            for target, value in zip(targets, each.change.take(source.read(name)), strict=True):
                put(places[target], value, name=name, target=target, dtype=dtype, device=device)
        return report

    def give(self, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Our tensors under their names and in their form: the way out, for every rule that has a layer to fill."""
        layers = sorted({int(number) for name in ours for number in re.findall(r"\.(\d+)\.", name)})
        for each in self.rules:
            theirs = re.sub(r"[\[\]]", "", each.theirs)
            numbers = layers if "{i}" in theirs else [0]
            for values in (
                {"i": i, "p": p} for i in numbers for p in (("weight", "bias") if "{p}" in theirs else ("",))
            ):
                names = [name.format(**values) for name in each.ours]
                if all(name in ours for name in names):
                    yield theirs.format(**values), each.change.give([ours[name] for name in names])


Place = tuple[nn.Module, str]


def parameter_places(model: nn.Module) -> dict[str, list[Place]]:
    """Each parameter's name and every module attribute that holds it; tied weights have several."""
    names: dict[nn.Parameter, str] = {}
    places: dict[str, list[Place]] = {}
    for prefix, module in model.named_modules():
        for attribute, parameter in module.named_parameters(recurse=False):
            name = names.setdefault(parameter, f"{prefix}.{attribute}" if prefix else attribute)
            places.setdefault(name, []).append((module, attribute))
    return places


def put(
    places: list[Place], value: Tensor, *, name: str, target: str, dtype: torch.dtype | None, device: torch.device
) -> None:
    """Make `value` the parameter in all its places."""
    module, attribute = places[0]
    wanted = getattr(module, attribute).shape
    if value.shape != wanted:
        raise CheckpointError(
            "Tensor {name!r} gives {target!r} the shape {have}, where the configuration wants {want}. "
            "The configuration and the weights are not of the same model.",
            name=name,
            target=target,
            have=list(value.shape),
            want=list(wanted),
        )
    parameter = nn.Parameter(value.to(device=device, dtype=dtype))
    for module, attribute in places:
        setattr(module, attribute, parameter)
