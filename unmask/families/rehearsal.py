"""A checkpoint's work without its weights: a file that has sizes only, and a kernel that multiplies nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from unmask.checkpoints.dtypes import DTYPES
from unmask.checkpoints.gguf import Gguf
from unmask.checkpoints.source import TensorInfo, TensorSource
from unmask.core.alignment import Alignment
from unmask.core.attention import Attention
from unmask.core.live import Live
from unmask.core.masks import KernelMask
from unmask.core.transformer import Transformer
from unmask.families.build import Checkpoint, fill
from unmask.families.open_seq2seq import Opened
from unmask.families.translators import PairModel
from unmask.quantization.census import nbytes

META = torch.device("meta")
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Load:
    """What reading the weights takes, in bytes: in the end for them and for the file, and on the way."""

    weights: int
    file: int
    peak: int
    kept: int


def rehearse_load(
    build: Callable[[], M], checkpoint: Checkpoint, dtype: torch.dtype | None, quantize: str | None
) -> tuple[M, Load]:
    """Fill a model from a file that has sizes only, by the loader's own rules; the model, and what that takes."""
    source = outline(checkpoint.source)
    with META:
        model = build()
    with Live() as live:
        fill(model, checkpoint, source, dtype=dtype, device=META, quantize=quantize)
        for each in chain(model.parameters(), model.buffers()):
            live.add(each.untyped_storage())
    weights, kept, peak = nbytes(model), live.kept, live.peak
    if isinstance(source, Gguf) and quantize is not None:
        # Its pages are let go, one tensor's after the other's.
        peak -= len(source.data) - max(place.stop - place.start for place in source.places.values())
    del source  # unmapped at once, if no weight is still in it
    return model, Load(weights=weights, file=live.now - weights, peak=peak, kept=kept)


@dataclass(frozen=True)
class Outline:
    """A TensorSource of sizes only: one mapped file, whose tensors are read without a copy as safetensors' are."""

    path: Path
    tensors: Mapping[str, TensorInfo]
    places: Mapping[str, slice]
    data: Tensor

    def read(self, name: str) -> Tensor:
        info = self.tensors[name]
        return self.data[self.places[name]].view(kind(info)).view(info.shape)


def outline(source: TensorSource) -> TensorSource:
    """The source with its data on the meta device."""
    if isinstance(source, Gguf):
        return replace(source, data=source.data.to(META), mapped=None)
    places: dict[str, slice] = {}
    end = 0
    # The widest numbers first, so that each tensor begins where its kind may.
    for name, info in sorted(source.tensors.items(), key=lambda item: -kind(item[1]).itemsize):
        start, end = end, end + math.prod(info.shape) * kind(info).itemsize
        places[name] = slice(start, end)
    return Outline(source.path, source.tensors, places, torch.empty(end, dtype=torch.uint8, device=META))


def kind(info: TensorInfo) -> torch.dtype:
    """The dtype that a tensor is stored in; formats without a name here take a byte a number."""
    return DTYPES.get(info.dtype, torch.uint8)


def keep_one_of_each(model: Transformer) -> None:
    """One layer of each kind for all, since they take turns in the same room; their kernels multiply nothing."""
    blocks = model.spec.blocks
    model.spec = replace(model.spec, blocks=tuple(dict.fromkeys(blocks)))
    model.blocks = nn.ModuleList(model.blocks[blocks.index(each)] for each in model.spec.blocks)
    for part in model.modules():
        if isinstance(part, Attention):
            part.kernel = hollow


def hollow(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
    """What the fused kernel makes of its own that lasts: the result, and a mask of 0 and 1 as numbers to add."""
    added = None if mask.dense is None else mask.dense.to(query.dtype)
    mixed = torch.empty_like(query)
    del added
    return mixed


def pair_need(checkpoint: Opened, *, dtype: torch.dtype | None, quantize: str | None, tokens: int, rows: int) -> int:
    """Bytes that an encoder-decoder takes at most, Python and its libraries aside.

    That is while it is loaded, or as it then reads `rows` texts of so many tokens and writes as many.
    """
    build: Callable[[], PairModel] = checkpoint.spec.build
    model, load = rehearse_load(build, checkpoint, dtype, quantize)
    ids = torch.zeros(rows, min(tokens, model.context), dtype=torch.int64, device=META)
    live = Live()
    with torch.inference_mode(), live:
        model.eval()(ids, ids)
    return max(load.peak + load.kept, load.weights + load.file + live.peak + max(load.kept, live.kept))
