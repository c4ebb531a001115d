"""The Transformer: embed, make masks and turns once, run the blocks, norm, read out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.block import BlockSpec, Memory
from unmask.core.caches import Cache, StaticCache
from unmask.core.embedding import EmbeddingSpec
from unmask.core.heads import HeadSpec, NextTokenSpec, SummarySpec
from unmask.core.masks import Causal, Full, KernelMask, Mask, kernel_mask
from unmask.core.norms import NormSpec
from unmask.core.positions import RelativeSpec, Turn


@dataclass(frozen=True)
class TransformerSpec:
    """A whole model as a value; equal specs build equal models. `context` is the longest row, in tokens.

    `relative` is added to the scores of every layer.
    """

    width: int
    context: int
    embedding: EmbeddingSpec
    blocks: tuple[BlockSpec, ...]
    mask: Mask
    final_norm: NormSpec | None
    head: HeadSpec | None
    summary: SummarySpec | None = None
    relative: RelativeSpec | None = None

    @property
    def writes(self) -> bool:
        """Whether it can continue a text: a token at a time, each seeing only what came before."""
        return isinstance(self.head, NextTokenSpec) and isinstance(self.mask, Causal)

    def build(self) -> Transformer:
        return Transformer(self)


class Shortcut(Protocol):
    """A faster way to what a model gives, for the calls that it takes; a pass makes it of the finished model."""

    def logits(self, tokens: Tensor, cache: Cache | None, last: int | None) -> Tensor | None:
        """What `Transformer.logits` would give, the cache extended and advanced; None leaves the call to it."""
        ...

    def hidden(self, tokens: Tensor, mask: Mask | None) -> Tensor | None:
        """What the Transformer would give of texts, where they are not padded; None leaves the call to it."""
        ...


class Transformer(nn.Module):
    """What a TransformerSpec builds. Weights are torch's defaults until a checkpoint or an initializer fills them."""

    def __init__(self, spec: TransformerSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = spec.embedding.build(spec.width)
        self.blocks = nn.ModuleList(block.build(spec.width) for block in spec.blocks)
        self.relative = spec.relative.build(spec.blocks[0].attention.heads) if spec.relative else None
        self.final_norm = spec.final_norm.build(spec.width) if spec.final_norm else nn.Identity()
        self.head = spec.head.build(spec.width, self.embedding.tokens) if spec.head else None
        self.summary = spec.summary.build(spec.width) if spec.summary else None
        self.half_cache = False
        """Whether its caches hold float16 where it computes in float32, as a quantized model's do."""
        self.shortcut: Shortcut | None = None

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in: float32 for a quantized model, else its weights' own."""
        return next(self.parameters()).dtype

    @property
    def cache_dtype(self) -> torch.dtype:
        return torch.float16 if self.half_cache else self.dtype

    def forward(
        self,
        tokens: Tensor,
        *,
        positions: Tensor | None = None,
        segments: Tensor | None = None,
        mask: Mask | None = None,
        cache: Cache | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """Hidden states [B, T, W] of tokens [B, T].

        Args:
            positions: [B or 1, T], or as the embedding takes them; None counts on from the cache's slots.
            segments: [B, T], which text of a pair each token is in; None is the first.
            mask: in place of the spec's own, over all slots of cache and tokens.
            cache: extended and advanced by T slots.
            memory: what an encoder left, for blocks that look at one.
        """
        if self.shortcut is not None and positions is None and segments is None and cache is None:
            found = self.shortcut.hidden(tokens, mask)
            if found is not None:
                return found
        start, length = (cache.slots if cache else 0), tokens.shape[1]
        if positions is None:
            positions = torch.arange(start, start + length, device=tokens.device)[None]
        x = self.embedding(tokens, positions, segments)
        masks = self.masks(self.spec.mask if mask is None else mask, start=start, length=length, device=x.device)
        turns = self.turns(positions, x.dtype)
        for layer, (block, narrowed, turn) in enumerate(zip(self.blocks, masks, turns, strict=True)):
            x = block(x, layer=layer, mask=narrowed, turn=turn, cache=cache, memory=memory)
        if cache:
            cache.advance(length)
        hidden: Tensor = self.final_norm(x)
        return hidden

    def logits(
        self,
        tokens: Tensor,
        *,
        positions: Tensor | None = None,
        segments: Tensor | None = None,
        mask: Mask | None = None,
        cache: Cache | None = None,
        last: int | None = None,
    ) -> Tensor:
        """Scores of every next token, or of every token for its place: [B, T, V], or [B, last, V] of the last few.

        Raises:
            SpecError: if the model has no head that predicts tokens.
        """
        if self.head is None:
            raise SpecError("This model has no head that predicts tokens, so no logits; ask it for hidden states.")
        if self.shortcut is not None and positions is None and segments is None and mask is None:
            found = self.shortcut.logits(tokens, cache, last)
            if found is not None:
                return found
        hidden = self(tokens, positions=positions, segments=segments, mask=mask, cache=cache)
        out: Tensor = self.head(hidden if last is None else hidden[:, -last:])
        return out

    def masks(self, mask: Mask, *, start: int, length: int, device: torch.device) -> list[KernelMask]:
        """Each layer's mask in kernel form, made once for each kind."""
        made: dict[Mask, KernelMask] = {}
        relative = None if self.relative is None else self.relative(start, length)
        for block in self.spec.blocks:
            own = block.attention.mask
            if own not in made:
                whole = mask if isinstance(own, Full) else mask & own
                plain = kernel_mask(whole, start=start, length=length, device=device)
                made[own] = plain if relative is None else plain.biased(relative)
        return [made[block.attention.mask] for block in self.spec.blocks]

    def turns(self, positions: Tensor, dtype: torch.dtype) -> list[Turn | None]:
        """Each layer's rotation, made once for each kind."""
        kinds = {block.attention.position for block in self.spec.blocks}
        made = {kind: kind.turn(positions, dtype) if kind else None for kind in kinds}
        return [made[block.attention.position] for block in self.spec.blocks]

    def cache(self, *, batch: int, capacity: int) -> StaticCache:
        """An empty cache for `batch` rows of up to `capacity` tokens, on the model's device."""
        shapes = [(block.attention.kv_heads, block.attention.head_width) for block in self.spec.blocks]
        return StaticCache(shapes, batch=batch, capacity=capacity, dtype=self.cache_dtype, device=self.device)
