"""What a search asks of many rows of logits: the largest of each, and its sum."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTH = 160
"""Numbers in a stretch. The largest of each is found at the speed of memory, which torch's topk is far from."""
ROWS = 8


def top(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest numbers of each row of [R, V], and their places, largest first: two of [R, count].

    They lie in the `count` stretches with the largest maxima, so only those are sorted.
    """
    rows, size = values.shape
    stretches = size // WIDTH
    if stretches <= 2 * count:
        found = values.topk(count)
        return found.values, found.indices
    whole = values[:, : stretches * WIDTH].unflatten(1, (stretches, WIDTH))  # [R, N, WIDTH]
    chosen = whole.amax(2).topk(count).indices  # [R, count]
    few = whole.gather(1, chosen[..., None].expand(-1, -1, WIDTH)).flatten(1)
    places = (chosen[..., None] * WIDTH + torch.arange(WIDTH, device=values.device)).flatten(1)
    rest = values[:, stretches * WIDTH :]
    few = torch.cat([few, rest], 1)
    places = torch.cat([places, torch.arange(stretches * WIDTH, size, device=values.device).expand(rows, -1)], 1)
    found = few.topk(count)
    return found.values, places.gather(1, found.indices)


def normalizers(logits: Tensor) -> Tensor:
    """What is taken off each row of logits [R, V] to make logarithms of probabilities of them: [R]."""
    # A few rows at a time: what is made of them on the way then stays near the processor.
    return torch.cat([few.logsumexp(dim=-1) for few in logits.split(ROWS)])
