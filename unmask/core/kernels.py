"""attend(): align, mask, mix. The only place that picks a kernel.

`explicit` spells the three steps out; it is the oracle of `fused`, and the kernel that can show its weights.
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
from unmask.native.attention import attention

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
    """Attention that never stores the weights: the library's, or torch's scaled_dot_product_attention.

    `dropout`: the share of weights left out, the rest made larger; with it, torch does store them on a CPU.
    """
    scale = alignment.scale(query.shape[-1])
    if not dropout and (mixed := native(query, key, value, mask, scale)) is not None:
        return mixed
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


def native(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, scale: float) -> Tensor | None:
    """Attention by the library; None for what torch does, or does better: one query for each head, in float32."""
    if torch.compiler.is_compiling() or mask.bias is not None or (mask.dense is not None and mask.lengths is None):
        return None
    if query.shape[2] == 1 and query.dtype == torch.float32:
        return None
    return attention(query, key, value, lengths=mask.lengths, causal=mask.causal, scale=scale)


def shared(keys: Tensor, heads: int) -> Tensor:
    """Repeat grouped keys or values [B, K, S, D] so that each of `heads` has its own: [B, H, S, D]."""
    return keys if keys.shape[1] == heads else keys.repeat_interleave(heads // keys.shape[1], dim=1)


attend: Kernel = fused
