"""A local checkpoint's headers: signature picks the reader, metadata the family, which says what model it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from unmask.base.errors import ArchitectureError, CheckpointError
from unmask.base.registry import nearest
from unmask.checkpoints.dtypes import DTYPES
from unmask.checkpoints.gguf import Gguf, open_gguf
from unmask.checkpoints.rules import Rules
from unmask.checkpoints.source import TensorSource
from unmask.checkpoints.weights import open_weights
from unmask.core.transformer import TransformerSpec
from unmask.families import FAMILIES
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields
from unmask.families.files import read_json
from unmask.families.translators import LAYOUTS
from unmask.quantization.folder import Whole

PRECISION = ("F64", "F32", "BF16", "F16")
"""Stored floating types, the widest first: a file of several is computed in the widest."""


@dataclass(frozen=True)
class Opened:
    """A checkpoint's headers: what it is, before any weight is read."""

    path: Path
    family: str
    dialect: Dialect
    fields: Fields
    source: TensorSource
    spec: TransformerSpec

    @property
    def rules(self) -> Rules:
        return self.dialect.rules(self.spec)


def open_checkpoint(path: Path, *, allow_pickle: bool = False) -> Opened:
    """Read the headers of a GGUF file or a Hub-layout folder.

    Args:
        allow_pickle: read `.bin` weights where there are no others.
    Raises:
        CheckpointError: if the files are not what they claim to be, or of a family we do not have.
    """
    if path.is_file() and path.suffix not in (".safetensors", ".bin"):
        return open_file(path)
    return open_folder(path if path.is_dir() else path.parent, path, allow_pickle=allow_pickle)


def open_file(path: Path) -> Opened:
    source = open_gguf(path)
    name = Fields(path.name, source.metadata).text("general.architecture")
    family, dialect = find(name, lambda each: each.gguf, where=path.name, field="general.architecture")
    fields = Fields(path.name, source.metadata, prefix=f"{name}.", source=source)
    return opened(path, family, dialect, fields, source)


def open_folder(folder: Path, weights: Path, *, allow_pickle: bool) -> Opened:
    config = read_json(folder / "config.json")
    name = Fields("config.json", config).text("model_type")
    if name in LAYOUTS:
        raise ArchitectureError(
            "{where}: model_type is {name!r}, an encoder-decoder, which turns one text into another. Use it with: "
            "unmask translate.",
            where=folder / "config.json",
            name=name,
        )
    family, dialect = find(name, lambda each: each.hub, where=str(folder / "config.json"), field="model_type")
    source = open_weights(weights, allow_pickle=allow_pickle)
    return opened(folder, family, dialect, Fields("config.json", config, source=Whole(source)), source)


def opened(path: Path, family: str, dialect: Dialect, fields: Fields, source: TensorSource) -> Opened:
    """Add the spec, once it is sure that no absurd depth will be built."""
    spec = dialect.spec(fields)
    check_depth(fields.where, len(spec.blocks), source)
    return Opened(path, family, dialect, fields, source, spec)


def check_depth(where: str, depth: int, source: TensorSource) -> None:
    """
    Raises:
        CheckpointError: if there cannot be so many layers in so few tensors.
    """
    if depth > len(source.tensors):
        raise CheckpointError(
            "{where} asks for {depth} layers, and the weights hold only {count} tensors.",
            where=where,
            depth=depth,
            count=len(source.tensors),
        )


def stored_dtype(source: TensorSource) -> torch.dtype:
    """What the weights are computed in unless told otherwise."""
    if isinstance(source, Gguf):
        return torch.float32
    stored = {info.dtype for info in source.tensors.values()}
    return next((DTYPES[each] for each in PRECISION if each in stored), torch.float32)


def find(name: str, side: Callable[[Family], Dialect | None], *, where: str, field: str) -> tuple[str, Dialect]:
    """The family that a checkpoint names.

    Raises:
        ArchitectureError: if we do not have it; names those we have, and the nearest.
    """
    known: dict[str, tuple[str, Dialect]] = {}
    for family in FAMILIES:
        dialect = side(family)
        if dialect is not None:
            known.setdefault(dialect.name, (family.name, dialect))
    if name not in known:
        raise ArchitectureError(
            "{where}: {field} is {name!r}, an architecture that unmask does not have. Known are {known}; "
            "nearest is {nearest!r}. docs/tour.md shows how to add one.",
            where=where,
            field=field,
            name=name,
            known=", ".join(known),
            nearest=nearest(name, known, count=1)[0],
        )
    return known[name]
