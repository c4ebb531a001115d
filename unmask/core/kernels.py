"""attend(): align, mask, mix. The only place that picks a kernel.

`explicit` spells the three steps out; it is the oracle of `fused`, the kernel that can show its weights, and on a CPU
the quickest for many small problems.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from unmask.core.alignment import Alignment, Dot, ScaledDot, scores
from unmask.core.distribution import softmax
from unmask.core.masks import KernelMask

HEADS, QUERIES, PAIRS = 64, 8, 1 << 12
"""From so many heads of all rows on, of few queries each and of at most so many pairs of query and key, a CPU takes two
plain products in half the time of torch's kernel, in bfloat16 a quarter. More queries come in ever new shapes, each of
which a product prepares for (docs/LOG.md, 2026-11-23)."""

Kernel = Callable[[Tensor, Tensor, Tensor, KernelMask, Alignment], Tensor]
"""query [B, H, T, D], key and value [B, K, S, D] with K dividing H, mask, alignment -> mixed values [B, H, T, D]."""


class Way(Protocol):
    """A way to look that is more than a dot product and a softmax."""

    def weights(self, query: Tensor, key: Tensor, visible: Tensor | None) -> Tensor:
        """How each query spreads over the keys that are visible (bool [B, 1, T or 1, S]): [B, H, T, S]."""
        ...


def attention_weights(query: Tensor, key: Tensor, mask: KernelMask, alignment: Alignment | Way) -> Tensor:
    """How each query spreads over the keys: [B, H, T, S], rows summing to 1 (to 0 where all is hidden)."""
    keys, visible = shared(key, query.shape[1]), mask.visible(query.shape[2], query.device)
    if isinstance(alignment, ScaledDot | Dot):
        agreement = scores(alignment, query, keys)
        return softmax(agreement if mask.bias is None else agreement + mask.bias, visible)
    return alignment.weights(query, keys, visible)


def explicit(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment | Way) -> Tensor:
    """Attention in three plain steps. Source: Vaswani et al. 2017, equation 1."""
    return attention_weights(query, key, mask, alignment) @ shared(value, query.shape[1])


def fused(
    query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment, dropout: float = 0.0
) -> Tensor:
    """Attention through torch's scaled_dot_product_attention, which never stores the weights.

    `dropout`: the share of weights left out, the rest made larger; with it, torch does store them on a CPU.
    """
    if not dropout and are_many_small(query, key):
        return explicit(query.float(), key.float(), value.float(), mask, alignment).to(query.dtype)
    scale = alignment.scale(query.shape[-1])
    heads, groups = query.shape[1], key.shape[1]
    if query.shape[2] == 1 and heads != groups and mask.bias is None:
        # One query a head: the heads that share a key line up as rows of it, so no key is ever repeated.
        rows = query.unflatten(1, (groups, heads // groups)).squeeze(3)  # [B, K, H/K, D]
        mixed = F.scaled_dot_product_attention(rows, key, value, attn_mask=mask.dense, dropout_p=dropout, scale=scale)
        return mixed.flatten(1, 2)[:, :, None]
    return F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask.dense if mask.bias is None else mask.bias,
        dropout_p=dropout,
        is_causal=mask.causal,
        scale=scale,
        enable_gqa=heads != groups,
    )


def are_many_small(query: Tensor, key: Tensor) -> bool:
    """Whether plain products are quicker; never where something is learnt, which would keep all weights."""
    if query.device.type != "cpu" or torch.is_grad_enabled() or query.shape[1] != key.shape[1]:
        return False
    rows, heads, queries, _ = query.shape
    return rows * heads >= HEADS and queries <= QUERIES and queries * key.shape[2] <= PAIRS


def shared(keys: Tensor, heads: int) -> Tensor:
    """Repeat grouped keys or values [B, K, S, D] so that each of `heads` has its own: [B, H, S, D]."""
    return keys if keys.shape[1] == heads else keys.repeat_interleave(heads // keys.shape[1], dim=1)


attend: Kernel = fused
