"""What kind of head it is: five numbers a head, each the mean over a text's queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Statistics:
    """Numbers [H] of one layer's heads.

    Args:
        entropy: of the weights, in nats; 0 looks at one token only.
        previous: weight on the token before; the first token, which has none before it, does not count.
        first: weight on the first token.
        itself: weight on the token itself.
        induction: weight on the tokens that came after earlier copies of this one; tokens without an earlier copy do
            not count.
        `previous` is None for a single token, `induction` where the text repeats none.

    Source: entropy, previous token and itself: Clark et al. 2019, section 3. Induction: Olsson et al. 2022, "In-context
    learning and induction heads", whose prefix matching score it is, on the text at hand.
    """

    entropy: Tensor
    previous: Tensor | None
    first: Tensor
    itself: Tensor
    induction: Tensor | None

    def of(self, head: int) -> dict[str, float | None]:
        """One head's numbers by their names, to four places."""
        return {
            name: None if numbers is None else round(float(numbers[head]), 4) for name, numbers in vars(self).items()
        }


def statistics(weights: Tensor, ids: Sequence[int]) -> Statistics:
    """The statistics of attention weights [H, T, T] over the tokens of a text."""
    before = weights.diagonal(-1, dim1=-2, dim2=-1)  # [H, T - 1]
    # `torch.special.entr` says the same, at three times the time.
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log_()
    return Statistics(
        entropy=-torch.linalg.vecdot(weights.flatten(1), logs.flatten(1)) / len(ids),
        previous=before.mean(-1) if len(ids) > 1 else None,
        first=weights[..., 0].mean(-1),
        itself=weights.diagonal(dim1=-2, dim2=-1).mean(-1),
        induction=induction(weights, torch.tensor(ids, device=weights.device)),
    )


def induction(weights: Tensor, ids: Tensor) -> Tensor | None:
    """See Statistics."""
    earlier = (ids[:, None] == ids[None, :]).tril(-1)  # [T, T], whether j is an earlier copy of i
    repeating = int(earlier.any(-1).sum())
    if not repeating:
        return None
    after = earlier.roll(1, dims=-1).to(weights.dtype)
    return weights.flatten(1) @ after.flatten() / repeating
