"""How likely a model found the tokens that it wrote or read, and which others it found likely in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.runtime import one_thread
from unmask.core.transformer import Transformer

ROWS = 256
"""Tokens whose logits are made at a time: all at once would hold [T, V]."""


@dataclass(frozen=True)
class Chance:
    """What a model gave one token.

    Args:
        logprob: the natural logarithm of its probability, before any sampling setting.
        best: the likeliest tokens in its place, ids and logarithms, the likeliest first.
    """

    id: int
    logprob: float
    best: tuple[tuple[int, float], ...]


def chances(logits: Tensor, ids: Sequence[int], *, best: int) -> list[Chance]:
    """What logits [n, V] gave these n ids, and the `best` likeliest ones of each row."""
    with one_thread():
        logs = logits.float().log_softmax(dim=-1)
        own = logs.gather(1, torch.tensor(ids, device=logs.device)[:, None])[:, 0]  # [n]
        likely = logs.topk(min(best, logs.shape[1]))
    rows = zip(ids, own.tolist(), likely.indices.tolist(), likely.values.tolist(), strict=True)
    return [Chance(each, mine, tuple(zip(others, theirs, strict=True))) for each, mine, others, theirs in rows]


@torch.inference_mode()
def prompt_chances(core: Transformer, prompt: Sequence[int], *, best: int, size: int) -> list[Chance]:
    """What a model gave each token of a prompt but the first, which nothing precedes; `size` ids are spelled."""
    row = torch.tensor([prompt], device=core.device)
    cache = core.cache(batch=1, capacity=len(prompt))
    found: list[Chance] = []
    for part in row.split(ROWS, dim=1):
        begin = cache.slots
        following = prompt[begin + 1 : begin + 1 + part.shape[1]]
        logits = core.logits(part, cache=cache)[0, : len(following), :size]
        found += chances(logits, following, best=best)
    return found
