"""What a model's weights are, whether quantized or not: how many, how many bytes, in which schemes."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from torch import nn

from unmask.quantization.packed import Packed


def parameters(model: nn.Module) -> int:
    """Weights, tied ones once, without padding."""
    packed = sum(part.rows * part.width for part in model.modules() if isinstance(part, Packed))
    return packed + sum(each.numel() for each in model.parameters())


def nbytes(model: nn.Module) -> int:
    """What they take in memory."""
    return sum(each.nbytes for each in chain(model.parameters(), model.buffers()))


def schemes(model: nn.Module) -> list[str]:
    """The schemes of its matrices by name, that of most weights first; none if it is not quantized."""
    counts: Counter[str] = Counter()
    for part in model.modules():
        if isinstance(part, Packed):
            counts[part.scheme.name] += part.rows * part.width
    return [name for name, _ in counts.most_common()]
