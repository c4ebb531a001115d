"""What a model expected at each place of a text, and what else it would have expected there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.heads import NextTokenSpec
from unmask.core.transformer import Transformer
from unmask.generation.blanks import spelled
from unmask.text.tokenizer import Tokenizer

ROWS = 256
"""Tokens whose logits are made at a time: all at once would hold [T, V]."""
MASKED = 32
"""Copies of a text that a masked model reads at a time, each with another token hidden."""


@dataclass(frozen=True)
class Alternative:
    """A token that might have stood there; `token` as it reads after what comes before it."""

    id: int
    token: str
    probability: float


@dataclass(frozen=True)
class Foreseen:
    """What the model expected at one place.

    Args:
        id: of the token that stands there.
        probability: of that token, before any sampling setting.
        rank: how many tokens were likelier.
        entropy: of the whole distribution, in nats; 0 is certainty.
        best: the likeliest tokens, the likeliest first.
    """

    id: int
    probability: float
    rank: int
    entropy: float
    best: tuple[Alternative, ...]


@torch.inference_mode()
def foresee(
    core: Transformer, tokenizer: Tokenizer, ids: Sequence[int], *, start: int = 1, best: int = 5
) -> list[Foreseen]:
    """What the model expected at each place from `start` on.

    A model that writes expects from what came before. A masked model expects from all the rest, the place itself
    hidden: its pseudo-likelihood, at one forward a token. Source: Salazar et al. 2020, section 2.

    Raises:
        RequestError: if the model predicts no tokens, or has no token to hide one behind.
    """
    if core.head is None:
        raise RequestError("This model predicts no tokens, so there are no probabilities to show. Choose another view.")
    row = torch.tensor([list(ids)], device=core.device)
    size = min(core.spec.embedding.vocab, tokenizer.size)
    found: list[Foreseen] = []
    for logits in expected(core, tokenizer, row, start):
        found += foreseen(logits[:, :size], ids, start + len(found), tokenizer, min(best, size))
    return found


def expected(core: Transformer, tokenizer: Tokenizer, row: Tensor, start: int) -> Iterator[Tensor]:
    """The logits [n, V] of the places of row [1, T] from `start` on, some at a time."""
    assert core.head is not None
    if isinstance(core.spec.head, NextTokenSpec):
        assert start > 0, "nothing comes before the first token"
        for part in core(row)[0, start - 1 : -1].split(ROWS):
            yield core.head(part)
        return
    if tokenizer.mask is None:
        raise RequestError("This model's tokenizer has no mask token, so it cannot fill blanks. Choose a masked model.")
    for places in torch.arange(start, row.shape[1], device=row.device).split(MASKED):
        copies = row.repeat(len(places), 1)
        each = torch.arange(len(places), device=row.device)
        copies[each, places] = tokenizer.mask
        yield core.head(core(copies)[each, places])


def foreseen(logits: Tensor, ids: Sequence[int], start: int, tokenizer: Tokenizer, best: int) -> list[Foreseen]:
    """What logits [n, V] say of the places from `start` on."""
    there = ids[start : start + len(logits)]
    logs = logits.float().log_softmax(dim=-1)
    own = logs.gather(1, torch.tensor(there, device=logs.device)[:, None])  # [n, 1]
    likely = logs.topk(best)
    numbers = zip(
        there,
        own[:, 0].exp().tolist(),
        (logs > own).sum(dim=-1).tolist(),
        torch.special.entr(logs.exp()).sum(dim=-1).tolist(),
        likely.indices.tolist(),
        likely.values.exp().tolist(),
        strict=True,
    )
    found = []
    for at, (token_id, probability, rank, entropy, others, chances) in enumerate(numbers, start):
        before = tuple(ids[max(0, at - 1) : at])
        alternatives = [
            Alternative(each, spelled(each, before, tokenizer), chance)
            for each, chance in zip(others, chances, strict=True)
        ]
        found.append(Foreseen(token_id, probability, rank, entropy, tuple(alternatives)))
    return found
