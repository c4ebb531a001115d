"""What word order is worth to a model: the same tokens in order and shuffled, with positions and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.trace import Watch, trace
from unmask.core.transformer import Transformer

SEED = 0
HIDDEN = Watch(weights=False, hidden=True)


@dataclass(frozen=True)
class Change:
    """What shuffling changed.

    Args:
        distance: [N, T], after each layer, 1 - cosine between a token's vector in order and shuffled; a token is
            followed to its new place. 0 is no change, 1 has nothing in common.
        shift: how much of the probability of what comes next moved elsewhere (total variation distance, 0 to 1); None
            where the model does not write.
    """

    distance: Tensor
    shift: float | None


@dataclass(frozen=True)
class Shuffle:
    """The experiment. `order` names for each place the token that is put there."""

    order: tuple[int, ...]
    placed: Change
    unplaced: Change


@torch.inference_mode()
def shuffle(core: Transformer, ids: Sequence[int], movable: Sequence[int]) -> Shuffle:
    """Read ids in order and shuffled, once at the positions as they are and once with every position set to 0.

    Args:
        movable: the places whose tokens change places with one another; each of them moves.
    Raises:
        RequestError: if there are fewer than two of these.
    """
    if len(movable) < 2:
        raise RequestError(
            "The text has {count} tokens that could change places; give it at least {least} words.",
            count=len(movable),
            least=4,
        )
    order = shuffled(len(ids), movable)
    row = torch.tensor([list(ids), [ids[at] for at in order]], device=core.device)  # [2, T]
    return Shuffle(order, change(core, row, order, None), change(core, row, order, torch.zeros_like(row[:1])))


def shuffled(length: int, movable: Sequence[int]) -> tuple[int, ...]:
    """Which token comes to each place: the movable ones along one random circle, so that none stays."""
    circle = torch.tensor(movable)[torch.randperm(len(movable), generator=torch.Generator().manual_seed(SEED))]
    order = torch.arange(length)
    order[circle] = circle.roll(1)
    return tuple(order.tolist())


def change(core: Transformer, row: Tensor, order: Sequence[int], positions: Tensor | None) -> Change:
    """What differs between the two rows [2, T], the first in order and the second shuffled."""
    seen = trace(core, row, HIDDEN, positions=positions)
    distances = []
    for hidden in seen.hidden[1:]:
        whole, moved = hidden[0, list(order)], hidden[1]
        away = torch.empty(row.shape[1])
        away[list(order)] = (1 - torch.cosine_similarity(whole, moved, dim=-1)).clamp(min=0.0).cpu()
        distances.append(away)
    return Change(torch.stack(distances), next_shift(core, seen.output) if core.spec.writes else None)


def next_shift(core: Transformer, output: Tensor) -> float:
    """The total variation distance between what two rows [2, T, W] expect next."""
    assert core.head is not None
    first, second = core.head(output[:, -1]).float().softmax(dim=-1)
    return float((first - second).abs().sum() / 2)
