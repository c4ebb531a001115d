"""What a model would say were it to stop after a layer: the logit lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.transformer import Transformer

ROWS = 128
"""Places whose logits are made at a time: those of all layers at once would hold [N + 1, T, V]."""


@dataclass(frozen=True)
class Lens:
    """The readings of P places after each of N layers, and before the first: N + 1 depths.

    Args:
        best: [N + 1, P, K], the likeliest tokens, the likeliest first.
        probabilities: [N + 1, P, K], of those.
        final: [N + 1, P], the probability of the token that is likeliest after the last layer.
        rank: [N + 1, P], how many tokens were likelier than that one.
    """

    best: Tensor
    probabilities: Tensor
    final: Tensor
    rank: Tensor


@torch.inference_mode()
def read_lens(core: Transformer, hidden: Sequence[Tensor], places: Sequence[int], *, size: int, best: int = 5) -> Lens:
    """Read the stream between the layers as the model reads its end: through the final norm and the head.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".

    Args:
        hidden: N + 1 tensors [1, T, W], as a trace keeps them.
        size: only the first so many rows of the vocabulary are tokens.
    Raises:
        RequestError: if the model has no head that predicts tokens.
    """
    if core.head is None:
        raise RequestError(
            "This model predicts no tokens, so its layers cannot be read as words. Choose one that writes or fills "
            "blanks."
        )
    states = torch.stack([layer[0, list(places)] for layer in hidden])  # [N + 1, P, W]
    chosen = torch.cat([logs(core, rows, size).argmax(dim=-1) for rows in states[-1].split(ROWS)])  # [P]
    # All depths together: many rows at a time are read far faster than a few.
    together = zip(states.flatten(0, 1).split(ROWS), chosen.repeat(len(hidden)).split(ROWS), strict=True)
    parts = [read(logs(core, rows, size), tokens, min(best, size)) for rows, tokens in together]
    return Lens(*(torch.cat(part).unflatten(0, (len(hidden), len(places))) for part in zip(*parts, strict=True)))


def read(logarithms: Tensor, chosen: Tensor, best: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a Lens has of some rows [n, V] whose finally likeliest tokens are `chosen` [n]."""
    likely = logarithms.topk(best)
    own = logarithms.gather(1, chosen[:, None])
    return likely.indices, likely.values.exp(), own[:, 0].exp(), (logarithms > own).sum(dim=-1)


def logs(core: Transformer, hidden: Tensor, size: int) -> Tensor:
    """The logarithms of the probabilities that hidden states [n, W] are read as: [n, size]."""
    assert core.head is not None
    read: Tensor = core.head(core.final_norm(hidden.to(core.dtype)))
    return read[:, :size].float().log_softmax(dim=-1)
