"""A checkpoint's model, built without memory and then filled: exactly, or in few bits."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from unmask.base.errors import CheckpointError, RequestError
from unmask.checkpoints.ggml import FORMATS
from unmask.checkpoints.gguf import Gguf
from unmask.checkpoints.rules import Report, Rules
from unmask.checkpoints.source import TensorSource
from unmask.core.transformer import Transformer
from unmask.core.widening import suit
from unmask.families.fields import Fields
from unmask.families.open import Opened, stored_dtype
from unmask.native.library import library
from unmask.quantization.filling import pour
from unmask.quantization.folder import METHOD, Packing, pour_packed
from unmask.quantization.schemes import STORED, scheme

FAST = "int8"
"""The scheme for speed where nobody chose one."""


class Checkpoint(Protocol):
    """What is asked of a checkpoint to fill a model from it."""

    @property
    def path(self) -> Path: ...

    @property
    def fields(self) -> Fields: ...

    @property
    def source(self) -> TensorSource: ...

    @property
    def rules(self) -> Rules: ...


def build(
    checkpoint: Opened, *, dtype: torch.dtype | None, device: torch.device, quantize: str | None
) -> tuple[Transformer, Report]:
    """The spec's model, filled from the checkpoint's source.

    Raises:
        CheckpointError: if the weights do not fit the spec.
        RequestError: if `dtype` or `quantize` cannot be had of this checkpoint.
    """
    with torch.device("meta"):
        model = checkpoint.spec.build()
    report = fill(model, checkpoint, checkpoint.source, dtype=dtype, device=device, quantize=quantize)
    suit(model, device)
    return model.eval(), report


def fill(
    model: nn.Module,
    checkpoint: Checkpoint,
    source: TensorSource,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    quantize: str | None,
) -> Report:
    """Fill the model from `source`, which has the checkpoint's names and sizes."""
    rules, packing = checkpoint.rules, read_packing(checkpoint.fields)
    check(checkpoint, packing, dtype=dtype, quantize=quantize)
    if packing is not None:
        return pour_packed(rules, source, model, packing, device)
    if quantize is None:
        return rules.fill(model, source, dtype=dtype or stored_dtype(source), device=device)
    wanted = None if quantize == STORED else scheme(quantize)
    return pour(rules.fit(model, source), source, model, scheme=wanted, device=device)


def read_packing(fields: Fields) -> Packing | None:
    """How the matrices of a folder are quantized, as its config.json says; None if they are not.

    Raises:
        CheckpointError: if it is not in our way, or in a scheme that we do not have.
    """
    if not fields.has("quantization_config"):
        return None
    said = fields.inner("quantization_config")
    method = said.text("quant_method")
    if method != METHOD:
        raise CheckpointError(
            "{where}: the weights are quantized by {method!r}, which is not read. Get the model in F32, F16 or BF16, "
            "or as GGUF.",
            where=fields.where,
            method=method,
        )
    others = said.inner("others")
    return Packing(scheme(said.text("scheme")), {name: scheme(others.text(name)) for name in others.values})


def check(checkpoint: Checkpoint, packing: Packing | None, *, dtype: torch.dtype | None, quantize: str | None) -> None:
    """See that what is asked for goes together.

    Raises:
        RequestError: if it does not.
    """
    if dtype is not None and (quantize is not None or packing is not None):
        raise RequestError(
            "A quantized model computes in float32, and dtype {dtype} was asked for. Leave out one of the two: --dtype "
            "or --quantize.",
            dtype=str(dtype).removeprefix("torch."),
        )
    if packing is not None and quantize not in (None, STORED):
        raise RequestError(
            "{path} is quantized already, as {scheme}. Load it without --quantize, or quantize the exact model anew.",
            path=checkpoint.path,
            scheme=packing.scheme.name,
        )
    if packing is None and quantize == STORED and not has_blocks(checkpoint):
        raise RequestError(
            "{path} stores no blocks that could be used as they are. Choose a scheme, such as --quantize int8.",
            path=checkpoint.path,
        )


def has_blocks(checkpoint: Checkpoint) -> bool:
    """Whether it is a GGUF file with quantized matrices."""
    source = checkpoint.source
    return isinstance(source, Gguf) and any(FORMATS[each.dtype].length > 1 for each in source.tensors.values())


def speed_format(checkpoint: Checkpoint, device: torch.device) -> str | None:
    """What a model that writes is served in: 8 bits, in which the default model answers its first question as exactly.

    A file's own blocks are faster, but with them inputs have 8 bits, not 16 (docs/LOG.md tells what became of it). None
    where exact weights are as fast: without the native library torch has to unpack the others at each step.
    """
    here = device.type == "cpu" and library() is not None
    embeds = isinstance(checkpoint, Opened) and not checkpoint.spec.writes
    if not here or embeds or read_packing(checkpoint.fields) is not None:
        return None
    return FAST
