"""Quantizing by what a model does with a text: block after block, each seeing what those before it have become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from unmask.base.errors import RequestError
from unmask.base.registry import nearest
from unmask.core.block import Block
from unmask.core.masks import KernelMask
from unmask.core.positions import Turn
from unmask.core.transformer import Transformer
from unmask.quantization import awq, gptq
from unmask.quantization.convert import Matrix, Progress, by_weight, settle, stand_in, unseen
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import Scheme
from unmask.quantization.sites import Inputs, Site, sites, watch, whole

LENGTH, MOST = 512, 64
"""Tokens of a row that a calibration reads, and rows."""
AT_ONCE = 4
"""Rows read at a time."""

Method = Callable[[Mapping[Site, Inputs], Scheme], dict[Matrix, Packed]]
METHODS: Mapping[str, Method] = {"awq": awq.quantize_block, "gptq": gptq.quantize_block}


def rows(ids: Sequence[int], *, context: int) -> Tensor:
    """The beginning of a text, [B, T], for a model of this context to be calibrated on.

    Raises:
        RequestError: if it is shorter than one row.
    """
    length = min(LENGTH, context)
    count = min(len(ids) // length, MOST)
    if not count:
        raise RequestError(
            "Calibration needs a text of at least {needed} tokens, better {best:,}; this one has {tokens}.",
            needed=length,
            best=length * MOST,
            tokens=len(ids),
        )
    return torch.tensor(ids[: count * length]).view(count, length)


@torch.no_grad()
def calibrated(model: Transformer, method: str, scheme: Scheme, tokens: Tensor, progress: Progress = unseen) -> None:
    """Quantize the model in place, each block by what its inputs are when it reads `tokens` [B, T].

    Args:
        method: "awq" or "gptq".
    Raises:
        RequestError: if there is no such method.
        CheckpointError: if a weight is no number, or far too large.
    """
    if method not in METHODS:
        raise RequestError(
            "Unknown calibration {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=method,
            known=", ".join(METHODS),
            nearest=nearest(method, METHODS, count=1)[0],
        )
    model.float()
    device = model.device
    tokens = tokens.to(device)
    round_outside(model, scheme, tokens)
    positions = torch.arange(tokens.shape[1], device=device)[None]
    parts = [model.embedding(each, positions) for each in tokens.split(AT_ONCE)]  # [b, T, W] each
    masks = model.masks(model.spec.mask, start=0, length=tokens.shape[1], device=device)
    turns = model.turns(positions, parts[0].dtype)
    for layer, (block, mask, turn) in enumerate(zip(model.blocks, masks, turns, strict=True)):
        assert isinstance(block, Block)
        run = partial(passed, block, layer=layer, mask=mask, turn=turn)
        stand_in(model, METHODS[method](watch(sites(block), partial(run, parts)), scheme))
        parts = run(parts)
        progress(layer + 1, len(model.blocks))
    settle(model)


def passed(block: Block, parts: Sequence[Tensor], *, layer: int, mask: KernelMask, turn: Turn | None) -> list[Tensor]:
    """What a block makes of each part [b, T, W]."""
    return [block(x, layer=layer, mask=mask, turn=turn, cache=None) for x in parts]


def round_outside(model: Transformer, scheme: Scheme, tokens: Tensor) -> None:
    """Round what is in no block: an output by GPTQ, from what the exact model gives it; a table alone, plainly."""
    inside = {part for block in model.blocks for part in block.modules()}
    groups = [parts for parts in by_weight(model).values() if parts[0] not in inside]
    outputs = {whole((part,), None): parts for parts in groups for part in parts if isinstance(part, nn.Linear)}

    def run() -> None:
        for row in tokens:
            hidden = model(row[None])
            if model.head is not None:
                model.head(hidden)

    tables = [parts[0] for parts in groups if not isinstance(parts[-1], nn.Linear)]
    packed = {table: quantize(table.weight, scheme) for table in tables}
    for site, inputs in watch(list(outputs), run).items():
        parts = outputs[site]
        influence = gptq.influence_of(inputs.second, gptq.TIED if len(parts) > 1 else gptq.DAMPING)
        packed.update(dict.fromkeys(parts, gptq.rounded(parts[0].weight, influence, scheme)))
    stand_in(model, packed)
