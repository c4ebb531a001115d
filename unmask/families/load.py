"""A local checkpoint to a model: signature picks the reader, metadata the family, rules fill the spec."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from unmask.base.errors import ArchitectureError, CheckpointError
from unmask.base.registry import nearest
from unmask.checkpoints.gguf import open_gguf
from unmask.checkpoints.rules import Report
from unmask.checkpoints.safetensors import open_safetensors
from unmask.checkpoints.source import TensorSource
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.core.widening import wants_widening, widen
from unmask.families import FAMILIES
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields
from unmask.text import formats
from unmask.text.chat import ChatTemplate
from unmask.text.tokenizer import Tokenizer

PRECISION = ("F64", "F32", "BF16", "F16")
"""Stored floating types, the widest first: a file of several is computed in the widest."""

DTYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory, and what came with it."""

    family: str
    spec: TransformerSpec
    model: Transformer
    report: Report
    tokenizer: Tokenizer | None
    template: ChatTemplate | None
    advice: Mapping[str, object]
    """The makers' sampling settings (generation_config.json); empty where they gave none."""


def load_checkpoint(path: Path, *, dtype: torch.dtype | None, device: torch.device) -> Loaded:
    """Read a GGUF file or a Hub-layout folder.

    Args:
        dtype: None keeps the stored one (float32 for GGUF, whose blocks are unpacked here).
    Raises:
        CheckpointError: if the files are not what they claim to be, or of a family we do not have.
        TokenizerError, TemplateError: if what came with the weights is broken.
    """
    if path.is_file() and path.suffix != ".safetensors":
        return load_gguf(path, dtype=dtype, device=device)
    return load_folder(path if path.is_dir() else path.parent, path, dtype=dtype, device=device)


def load_gguf(path: Path, *, dtype: torch.dtype | None, device: torch.device) -> Loaded:
    file = open_gguf(path)
    name = Fields(path.name, file.metadata).text("general.architecture")
    family, dialect = find(name, lambda each: each.gguf, where=path.name, field="general.architecture")
    fields = Fields(path.name, file.metadata, prefix=f"{name}.", source=file)
    spec, model, report = build(dialect, fields, file, dtype=dtype or torch.float32, device=device)
    tokenizer, template = formats.read_gguf(file.metadata), formats.gguf_template(file.metadata)
    return Loaded(family, spec, model, report, tokenizer, template, advice={})


def load_folder(folder: Path, weights: Path, *, dtype: torch.dtype | None, device: torch.device) -> Loaded:
    config = Fields("config.json", read_json(folder / "config.json"))
    name = config.text("model_type")
    family, dialect = find(name, lambda each: each.hub, where=str(folder / "config.json"), field="model_type")
    spec, model, report = build(dialect, config, open_safetensors(weights), dtype=dtype, device=device)
    tokenizer, template = formats.read_folder(folder), formats.folder_template(folder)
    settings = folder / "generation_config.json"
    advice = read_json(settings) if settings.exists() else {}
    return Loaded(family, spec, model, report, tokenizer, template, advice)


def build(
    dialect: Dialect, fields: Fields, source: TensorSource, *, dtype: torch.dtype | None, device: torch.device
) -> tuple[TransformerSpec, Transformer, Report]:
    """The spec that the metadata describes, built without memory and then filled from the source."""
    spec = dialect.spec(fields)
    stored = {info.dtype for info in source.tensors.values()}
    if dtype is None:
        dtype = next((DTYPES[each] for each in PRECISION if each in stored), torch.float32)
    if len(spec.blocks) > len(source.tensors):
        raise CheckpointError(
            "{where} asks for {depth} layers, and the weights hold only {count} tensors.",
            where=fields.where,
            depth=len(spec.blocks),
            count=len(source.tensors),
        )
    with torch.device("meta"):
        model = spec.build()
    report = dialect.rules(spec).fill(model, source, dtype=dtype, device=device)
    if wants_widening(dtype, device):
        widen(model)
    return spec, model.eval(), report


def find(name: str, side: Callable[[Family], Dialect], *, where: str, field: str) -> tuple[str, Dialect]:
    """The family that a checkpoint names.

    Raises:
        ArchitectureError: if we do not have it; names those we have, and the nearest.
    """
    known = {side(family).name: family for family in FAMILIES}
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
    return known[name].name, side(known[name])


def read_json(path: Path) -> dict[str, object]:
    """A JSON object of a checkpoint.

    Raises:
        CheckpointError: if the file is missing, not JSON, or not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            "{folder} has no {file}, so it is not a model in the Hub's layout. Give the folder that holds it.",
            folder=path.parent,
            file=path.name,
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError("{path} is not valid JSON: {reason}.", path=path, reason=str(error)[:200]) from error
    if not isinstance(value, dict):
        raise CheckpointError("{path} must hold a JSON object, not a {kind}.", path=path, kind=type(value).__name__)
    return value
