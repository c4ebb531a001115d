"""The pass over a finished model: every matrix becomes a quantized one; vectors and small tables stay float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from unmask.core.attention import Attention
from unmask.core.embedding import Embedding
from unmask.core.surgery import replace
from unmask.core.transformer import Transformer
from unmask.quantization.linear import QuantizedEmbedding, QuantizedLinear
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import Scheme

Progress = Callable[[int, int], None]
"""Told how many matrices are done, and of how many."""


Matrix = nn.Linear | nn.Embedding
"""A part whose weight can be quantized."""


def unseen(done: int, count: int) -> None:
    """A Progress that nobody watches."""


def quantize_model(model: nn.Module, scheme: Scheme, progress: Progress = unseen) -> None:
    """Quantize the model in place, its embedding and its output too; tied ones share their weights as before.

    Raises:
        CheckpointError: if a weight is no number, or far too large.
    """
    groups = list(by_weight(model).values())
    whole = with_rest(model, scheme)
    for done, parts in enumerate(groups, 1):
        packed = quantize(parts[0].weight.detach(), scheme, rest=parts[0] in whole)
        stand_in(model, dict.fromkeys(parts, packed))
        parts.clear()  # so that the float weights go, one after the other
        progress(done, len(groups))
    settle(model)


def by_weight(model: nn.Module) -> dict[Tensor, list[Matrix]]:
    """The parts whose weights are to be quantized: every Linear, and tables of tokens; tied ones side by side."""
    parts: dict[Tensor, list[Matrix]] = {}
    tables = {part.tokens for part in model.modules() if isinstance(part, Embedding)}
    for part in model.modules():
        if isinstance(part, nn.Linear) or (isinstance(part, nn.Embedding) and part in tables):
            parts.setdefault(part.weight, []).append(part)
    return parts


def with_rest(model: nn.Module, scheme: Scheme) -> set[nn.Module]:
    """The parts whose rest is kept too: values that several heads look at, where one scale is for a whole row.

    They are few, and what rounding does to them all those heads pass on: docs/decisions/0006-few-bits.md.
    """
    looks = (part for part in model.modules() if isinstance(part, Attention))
    return {each.value for each in looks if scheme.fine and each.spec.kv_heads < each.spec.heads}


def stand_in(model: nn.Module, packed: Mapping[Matrix, Packed]) -> None:
    """Put a quantized part in the place of each of these."""

    def made(part: nn.Module) -> QuantizedLinear | QuantizedEmbedding:
        if isinstance(part, nn.Linear):
            return QuantizedLinear(packed[part], part.bias)
        assert isinstance(part, nn.Embedding)
        return QuantizedEmbedding(packed[part])

    replace(model, where=lambda part: part in packed, make=made)


def settle(model: nn.Module) -> None:
    """What holds for the rest of a quantized model: float32 throughout, nothing in it is trained, and where it goes on
    with one text, whose cache grows long, half a cache."""
    model.float().requires_grad_(False)
    if isinstance(model, Transformer):
        model.half_cache = True
