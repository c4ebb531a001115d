"""What a search asks of many rows of logits: the largest of each, and its sum. The native library has both, torch is
their twin."""

from __future__ import annotations

from torch import Tensor

from unmask.native.survey import largest, log_sums, reader


def top(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest numbers of each row of [R, V], and their places, largest first: two of [R, count]."""
    library = reader(values)
    if library is not None:
        return largest(library, values, count)
    found = values.topk(count)
    return found.values, found.indices


def normalizers(logits: Tensor) -> Tensor:
    """What is taken off each row of logits [R, V] to make logarithms of probabilities of them: [R]."""
    library = reader(logits)
    return logits.logsumexp(dim=-1) if library is None else log_sums(library, logits)
