"""Quantized matrices in a folder of the Hub's layout: what names, forms and words they have there.

In place of `NAME.weight` [N, K] there are
    NAME.codes   uint8 [N, K'], or [N, K' / 2] of 4 bits: two columns a byte, the first in the low half;
    NAME.scales  float16 [N, G];
    NAME.minima  the same, where the scheme is not symmetric;
    NAME.rest    as the codes, of those rows that have a rest (see packed.py), where some do;
row by row, K' being K rounded up to whole groups. A tensor of theirs that is several matrices of ours has their rows
one after the other, whatever its own order. `quantization_config` in config.json names the scheme of all matrices but
`others`, by NAME. The rest of the weights are float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor, nn

from unmask.base.errors import CheckpointError
from unmask.checkpoints.rules import Report, Rules, put
from unmask.checkpoints.source import TensorInfo, TensorSource
from unmask.quantization.convert import Matrix, settle, stand_in, with_rest
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import slices
from unmask.quantization.schemes import Scheme

METHOD = "unmask"
"""What config.json calls this."""
WEIGHT, CODES, SCALES, MINIMA, REST = ".weight", ".codes", ".scales", ".minima", ".rest"


@dataclass(frozen=True)
class Packing:
    """The schemes of a folder's matrices: one for most of them, and those that have others, by name without ending."""

    scheme: Scheme
    others: Mapping[str, Scheme]

    @classmethod
    def of(cls, schemes: Mapping[str, Scheme]) -> Packing:
        """What the matrices of these names have."""
        usual = Counter(schemes.values()).most_common(1)[0][0]
        return cls(usual, {name: each for name, each in schemes.items() if each != usual})

    def to_dict(self) -> dict[str, object]:
        others = {name: each.name for name, each in self.others.items()}
        return {"quant_method": METHOD, "scheme": self.scheme.name, "others": others}


def forms(packs: Sequence[Packed]) -> dict[str, TensorInfo]:
    """The tensors that hold these matrices, one after the other, by the endings of their names."""
    rests = sum(each.rows for each in packs if each.rest is not None)
    return formed(packs[0].scheme, sum(each.rows for each in packs), packs[0].width, rests)


def formed(scheme: Scheme, rows: int, width: int, rests: int) -> dict[str, TensorInfo]:
    """Of so many rows, `rests` of which have a rest."""
    groups = scheme.groups(width)
    numbers = TensorInfo((rows, groups), "F16")
    codes = TensorInfo((rows, groups * scheme.span(width) * scheme.bits // 8), "U8")
    rest = {REST: TensorInfo((rests, codes.shape[1]), codes.dtype)} if rests else {}
    return {CODES: codes, SCALES: numbers} | ({} if scheme.symmetric else {MINIMA: numbers}) | rest


def rows(packs: Sequence[Packed], ending: str) -> Tensor:
    """One of these tensors."""
    return torch.cat([each[ending] for each in map(stored, packs) if ending in each])


def stored(packed: Packed) -> dict[str, Tensor]:
    """A matrix by the endings of its names."""
    codes, scales, minima = packed.read(0, packed.rows)
    dense = codes if packed.scheme.bits == 8 else codes[:, ::2] | codes[:, 1::2] << 4
    rest = {} if packed.rest is None else {REST: packed.planes[1].read(0, packed.rows)[0]}
    return {CODES: dense, SCALES: scales} | ({} if minima is None else {MINIMA: minima}) | rest


def pour_packed(rules: Rules, source: TensorSource, model: nn.Module, packing: Packing, device: torch.device) -> Report:
    """Fill a model (on meta) from such a folder; every code and scale is the stored one.

    Raises:
        CheckpointError: as in `Rules.fit`, or if codes or scales have not the form that the configuration says.
    """
    fitted = rules.fit(model, source, names(source))
    made: dict[Matrix, Packed] = {}
    whole = with_rest(model, packing.scheme)
    for name, (change, targets) in fitted.places.items():
        if name in source.tensors:
            for places, value in zip(targets, change.take(source.read(name)), strict=True):
                put(places, value, dtype=torch.float32, device=device)
            continue
        parts = [[part for part, _ in places if isinstance(part, Matrix)] for places in targets]
        shapes = [same[0].weight.shape for same in parts]
        stem = name.removesuffix(WEIGHT)
        rests = [same[0] in whole and stem + REST in source.tensors for same in parts]
        packs = read_packs(source, stem, packing.others.get(stem, packing.scheme), shapes, device, rests)
        for same, packed in zip(parts, packs, strict=True):
            made |= dict.fromkeys(same, packed)
    stand_in(model, made)
    settle(model)
    return fitted.report


@dataclass(frozen=True)
class Whole:
    """A TensorSource in which a quantized matrix is one weight, for those who only ask what there is."""

    source: TensorSource

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Of a quantized weight the form of its codes is told."""
        own = self.source.tensors
        return {name: own[name if name in own else name.removesuffix(WEIGHT) + CODES] for name in names(self.source)}

    def read(self, name: str) -> Tensor:
        return self.source.read(name)


def names(source: TensorSource) -> list[str]:
    """What the source holds, the parts of a quantized matrix being one weight."""
    stems = {name.removesuffix(CODES) for name in source.tensors if name.endswith(CODES)}
    parts = {stem + ending for stem in stems for ending in (CODES, SCALES, MINIMA, REST)}
    return [stem + WEIGHT for stem in sorted(stems)] + [name for name in source.tensors if name not in parts]


def read_packs(
    source: TensorSource,
    stem: str,
    scheme: Scheme,
    shapes: Sequence[Sequence[int]],
    device: torch.device,
    rests: Sequence[bool],
) -> Iterator[Packed]:
    """The matrices of these shapes, whose rows lie one after the other in the tensors called `stem`.

    Raises:
        CheckpointError: if one of the tensors is missing, or not of the form that the scheme asks for.
    """
    width = shapes[0][1]
    counts = [shape[0] for shape in shapes]
    wanted = formed(scheme, sum(counts), width, sum(compress(counts, rests)))
    for ending, info in wanted.items():
        check(stem + ending, source.tensors.get(stem + ending), info, scheme)
    whole = {ending: source.read(stem + ending) for ending in wanted}
    parts = {
        ending: iter(each.split(list(compress(counts, rests)) if ending == REST else counts))
        for ending, each in whole.items()
    }
    for count, rest in zip(counts, rests, strict=True):
        own = {ending: next(each) for ending, each in parts.items() if rest or ending != REST}
        packed = Packed.empty(scheme, count, width, device, rest=rest)
        for start, end in slices(count, width):
            run = {ending: each[start:end].to(device) for ending, each in own.items()}
            packed.write(start, spread(run[CODES], scheme), run[SCALES], run.get(MINIMA), run.get(REST))
        yield packed


def spread(stored: Tensor, scheme: Scheme) -> Tensor:
    """A code a byte, of rows as they are stored."""
    return stored if scheme.bits == 8 else torch.stack((stored & 15, stored >> 4), dim=-1).flatten(1)


def check(name: str, found: TensorInfo | None, wanted: TensorInfo, scheme: Scheme) -> None:
    """
    Raises:
        CheckpointError: if a tensor is not there, or has another form than it must.
    """
    if found != wanted:
        raise CheckpointError(
            "Tensor {name!r} must be {kind} of shape {want} for the quantization {scheme}; the file has {have}. "
            "The configuration and the weights are not of the same model.",
            name=name,
            kind=wanted.dtype,
            want=list(wanted.shape),
            scheme=scheme.name,
            have="-" if found is None else f"{found.dtype} {list(found.shape)}",
        )
