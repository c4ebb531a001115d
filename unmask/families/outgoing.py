"""A model's tensors as a checkpoint's: their names, their forms, each made when it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from unmask.checkpoints.dtypes import DTYPES
from unmask.checkpoints.rules import Rules
from unmask.checkpoints.source import TensorInfo
from unmask.families import FAMILIES
from unmask.families.family import Family
from unmask.families.load import Loaded
from unmask.quantization.folder import WEIGHT, Packing, forms, rows
from unmask.quantization.packed import Packed
from unmask.quantization.schemes import Scheme

NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Outgoing:
    """A model's tensors under other names, each made when it is read; `left_out` are those of ours without a name."""

    tensors: Mapping[str, TensorInfo]
    read: Callable[[str], Tensor]
    left_out: tuple[str, ...]
    packing: Packing | None
    """How the matrices are quantized; None where they are not."""


def outgoing(model: nn.Module, rules: Rules) -> Outgoing:
    parameters = {name: each.detach() for name, each in model.named_parameters()}
    packed = {
        name.removesuffix(".packed") + WEIGHT: part for name, part in model.named_modules() if isinstance(part, Packed)
    }
    plan = {name: (ours, change) for name, ours, change in rules.outward([*parameters, *packed])}
    tensors: dict[str, TensorInfo] = {}
    schemes: dict[str, Scheme] = {}
    sources: dict[str, Callable[[], Tensor]] = {}
    for name, (ours, change) in plan.items():
        if ours[0] in packed:
            stem, parts = name.removesuffix(WEIGHT), [packed[each] for each in ours]
            schemes[stem] = parts[0].scheme
            for ending, info in forms(parts).items():
                tensors[stem + ending] = info
                sources[stem + ending] = partial(rows, parts, ending)
        else:
            values = [parameters[each] for each in ours]
            shape = change.give([each.to("meta") for each in values]).shape
            tensors[name] = TensorInfo(tuple(shape), NAMES[values[0].dtype])
            sources[name] = partial(change.give, values)
    used = {each for ours, _ in plan.values() for each in ours}
    left_out = tuple(name for name in (*parameters, *packed) if name not in used)
    packing = Packing.of(schemes) if schemes else None
    return Outgoing(tensors, lambda name: sources[name](), left_out, packing)


def family_of(loaded: Loaded) -> Family:
    return next(each for each in FAMILIES if each.name == loaded.family)
