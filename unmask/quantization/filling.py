"""A checkpoint poured into a model in few bits: some rows of a matrix at a time, so that no matrix is ever whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from unmask.checkpoints.ggml import dequantize
from unmask.checkpoints.gguf import Gguf
from unmask.checkpoints.rules import Change, Fit, Report, put
from unmask.checkpoints.source import TensorSource
from unmask.quantization.blocks import BLOCKS, from_blocks
from unmask.quantization.convert import Matrix, by_weight, settle, stand_in, with_rest
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize, quantize_rows
from unmask.quantization.schemes import SCHEMES, Scheme

OTHERWISE = SCHEMES["int8-32"]
"""For what is stored in a form that no scheme holds: as fine as the finest of those."""


def pour(fitted: Fit, source: TensorSource, model: nn.Module, *, scheme: Scheme | None, device: torch.device) -> Report:
    """Put a source's tensors into a model (on meta) that becomes a quantized one; all but the matrices as float32.

    Args:
        scheme: None takes the blocks of a GGUF file as they are, where a scheme holds them.
    Raises:
        CheckpointError: if a weight is no number, or far too large.
    """
    matrices = {part for parts in by_weight(model).values() for part in parts}
    made: dict[Matrix, Packed] = {}
    rounded = []
    whole = set() if scheme is None else with_rest(model, scheme)
    for name, (change, targets) in fitted.places.items():
        if targets[0][0][0] not in matrices or targets[0][0][1] != "weight":
            for places, value in zip(targets, change.take(source.read(name)), strict=True):
                put(places, value, dtype=torch.float32, device=device)
            continue
        rests = [places[0][0] in whole for places in targets]
        for places, packed in zip(targets, packs(source, name, change, scheme, device, rests), strict=True):
            made |= {part: packed for part, _ in places if isinstance(part, Matrix)}
        if isinstance(source, Gguf):
            source.release(name)
        if scheme is None and source.tensors[name].dtype not in BLOCKS:
            rounded.append(name)
    stand_in(model, made)
    settle(model)
    return replace(fitted.report, rounded=tuple(rounded))


def packs(
    source: TensorSource,
    name: str,
    change: Change,
    scheme: Scheme | None,
    device: torch.device,
    rests: Sequence[bool],
) -> Iterator[Packed]:
    """What a tensor of theirs is in our matrices, `rests` telling whose rest is kept.

    The changes of GGUF move whole rows, so its blocks stay whole.
    """
    kind = source.tensors[name].dtype
    if not isinstance(source, Gguf):
        for weight, rest in zip(change.take(source.read(name)), rests, strict=True):
            yield quantize(weight, scheme or OTHERWISE, device, rest=rest)
        return
    for rows, rest in zip(change.take(source.rows(name)), rests, strict=True):
        if scheme is None and kind in BLOCKS:
            yield from_blocks(rows, kind, device)
        else:
            width = source.tensors[name].shape[1]
            yield quantize_blocks(rows, kind, width, scheme or OTHERWISE, device, rest=rest)


def quantize_blocks(
    rows: Tensor, format_name: str, width: int, scheme: Scheme, device: torch.device, *, rest: bool
) -> Packed:
    """A matrix stored in any GGUF format, uint8 [N, bytes], rounded anew."""

    def read(start: int, end: int) -> Tensor:
        return dequantize(rows[start:end].reshape(-1), format_name).view(end - start, width)

    return quantize_rows(read, len(rows), width, scheme, device, rest=rest)
