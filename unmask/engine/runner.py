"""From a plan to logits: one step of a model over the rows that a plan names, with their keys and values in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unmask.core.paged import PagedCache
from unmask.core.transformer import Transformer
from unmask.lowering.shortcut import Writing
from unmask.native.program import Pages, Texts


@dataclass(frozen=True)
class Share:
    """What one row has of a step.

    Args:
        tokens: to be computed.
        before: how many tokens are remembered in `blocks` already.
        wanted: logits are wanted of so many last tokens.
        writes: whether these are tokens of an answer, each computed as it would be by itself.
    """

    tokens: Sequence[int]
    before: int
    blocks: Sequence[int]
    wanted: int
    writes: bool


class Runner(Protocol):
    """Computes steps."""

    def run(self, shares: Sequence[Share]) -> list[Tensor]:
        """Logits [wanted, V] of each share; its tokens are remembered then."""
        ...


def make_pages(model: Transformer, *, blocks: int, size: int, dtype: torch.dtype) -> Pages:
    """Room for the keys and values of `blocks` blocks of `size` slots; int8 has a scale with each head of a slot."""
    scale = 4 if dtype == torch.int8 else 0
    shapes = [(part.attention.kv_heads, size, part.attention.head_width + scale) for part in model.spec.blocks]
    # Nothing is written here: the system gives memory only for blocks that are used.
    keys = [torch.empty(blocks, *shape, dtype=dtype, device=model.device) for shape in shapes]
    return Pages(keys, [torch.empty_like(key) for key in keys])


class NativeRunner:
    """All rows in one call of the native library; what one row gets does not depend on the others, bit for bit."""

    def __init__(self, shortcut: Writing, pages: Pages) -> None:
        self.shortcut = shortcut
        self.pages = pages

    def run(self, shares: Sequence[Share]) -> list[Tensor]:
        tokens: list[int] = []
        wanted: list[int] = []
        starts = [0]
        for share in shares:
            tokens += share.tokens
            starts.append(len(tokens))
            wanted += range(len(tokens) - share.wanted, len(tokens))
        longest = max(len(share.blocks) for share in shares)
        tables = [[*share.blocks, *[0] * (longest - len(share.blocks))] for share in shares]
        texts = Texts(
            tokens=torch.tensor(tokens),
            starts=torch.tensor(starts),
            slots=torch.tensor([share.before for share in shares]),
            tables=torch.tensor(tables, dtype=torch.int32),
            apart=torch.tensor([int(share.writes) for share in shares]),
            wanted=torch.tensor(wanted, dtype=torch.int64),
        )
        reach = max(share.before + len(share.tokens) for share in shares)
        logits = self.shortcut.write(texts, self.pages, reach=reach)
        return list(logits.split([share.wanted for share in shares]))


class TorchRunner:
    """Each row by itself, in torch: what it gets cannot depend on the others. The slow twin of NativeRunner, and the
    way of exact weights, which torch multiplies differently for different numbers of rows.
    """

    def __init__(self, model: Transformer, pages: Pages) -> None:
        self.model = model
        self.pages = pages

    def run(self, shares: Sequence[Share]) -> list[Tensor]:
        return [self.one(share) for share in shares]

    @torch.inference_mode()
    def one(self, share: Share) -> Tensor:
        tokens = torch.tensor([list(share.tokens)], device=self.model.device)
        # A token at a time where an answer is written: as it would be without a draft.
        parts = tokens.split(1, dim=1) if share.writes else [tokens]
        cache = PagedCache(self.pages.keys, self.pages.values, share.blocks, slots=share.before)
        found = [self.model.logits(part, cache=cache, last=min(share.wanted, part.shape[1]) or 1)[0] for part in parts]
        return torch.cat(found)[-share.wanted :] if share.wanted else found[0][:0]
