"""Rows of ids to vectors, in batches of rows of about one length, so that hardly any padding is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from unmask.base.allocation import memory_kept
from unmask.base.errors import ContextError
from unmask.base.runtime import one_thread
from unmask.core.masks import RightPadding
from unmask.core.pooling import PoolingSpec
from unmask.core.transformer import Transformer
from unmask.text.tokenizer import Tokenizer

FEW, MANY = 768, 1 << 16


def most_tokens(device: torch.device) -> int:
    """The tokens of a batch, padding included.

    On a CPU so few that what lies between two layers stays in its cache: of all sizes tried the fastest, 4,096 take
    half as long again (docs/LOG.md, 2026-11-22). A GPU wants many.
    """
    return FEW if device.type == "cpu" else MANY


def rows(texts: Sequence[str], tokenizer: Tokenizer, *, limit: int, cut: bool) -> list[list[int]]:
    """The ids of texts, each at most `limit` of them.

    Args:
        cut: read only the beginning of texts that are too long, instead of refusing them.
    Raises:
        ContextError: if a text is too long and is not to be cut; says which, and both lengths.
    """
    found = tokenizer.rows(texts)
    for index, row in enumerate(found):
        if len(row) > limit:
            if not cut:
                raise ContextError(
                    "Text {number} has {tokens} tokens and the model reads {context}. Shorten it by {excess} tokens, "
                    "divide it, or ask for its beginning alone (--cut, cut=True).",
                    number=index + 1,
                    tokens=len(row),
                    context=limit,
                    excess=len(row) - limit,
                )
            found[index] = tokenizer.cut(texts[index], limit)
    return found


@torch.inference_mode()
def vectors(
    core: Transformer, rows: Sequence[Sequence[int]], pooling: PoolingSpec
) -> Iterator[tuple[list[int], Tensor]]:
    """Vectors of `rows`, a batch at a time as (which rows, float32 [B, W]), the longest rows first."""
    device = core.device
    parts = list(batches([len(row) for row in rows], most=most_tokens(device)))
    with memory_kept() if len(parts) > 1 else nullcontext():
        for batch in parts:
            lengths = torch.tensor([len(rows[i]) for i in batch], device=device)
            longest = len(rows[batch[0]])
            tokens = torch.tensor([[*rows[i], *[0] * (longest - len(rows[i]))] for i in batch], device=device)  # [B, T]
            even = len(rows[batch[-1]]) == longest
            hidden = core(tokens, mask=None if even else core.spec.mask & RightPadding(lengths))
            # torch's threads, once woken for so little, would keep a processor busy that a native reading wants.
            with one_thread() if core.shortcut else nullcontext():
                pooled = pooling.pool(hidden, lengths)
            yield batch, pooled


def batches(lengths: Sequence[int], *, most: int) -> Iterator[list[int]]:
    """Indices of all rows, the longest first, in groups that padded to their longest have at most `most` tokens."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        count = max(1, most // max(1, lengths[order[0]]))
        yield order[:count]
        order = order[count:]
