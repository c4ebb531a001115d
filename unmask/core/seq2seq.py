"""Encoder and decoder: one text is read whole, and another is written while looking at it.

Source: Vaswani et al. 2017, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.attention import Attention
from unmask.core.block import Memory
from unmask.core.caches import StaticCache
from unmask.core.masks import Full, RightPadding, kernel_mask
from unmask.core.transformer import TransformerSpec

FULL = Full()


class DecoderCache(Protocol):
    """What a decoder remembers of the rows that it writes, and of the memories they look at."""

    def reorder(self, rows: Tensor) -> None:
        """Let written row i become what row rows[i] was; there are then as many rows as `rows` [R] names."""
        ...

    def keep(self, memories: Tensor) -> None:
        """Go on with these memories [M] alone; `reorder` says which rows look at them."""
        ...


class EncoderDecoder(Protocol):
    """What a search, an objective and a view ask of a model that reads a text and writes another, recurrent or not.

    M memories may have R rows of tokens, R a multiple of M: rows r * R / M and on look at memory r, so that several
    ways to go on with one text share what was read of it.
    """

    @property
    def head(self) -> nn.Module:
        """What reads hidden states out as scores of tokens."""
        ...

    @property
    def vocab(self) -> int:
        """How many tokens it may write."""
        ...

    @property
    def context(self) -> int:
        """The longest row, read or written, in tokens."""
        ...

    @property
    def looks(self) -> Sequence[nn.Module]:
        """What looks at a memory, layer by layer: each has a `kernel` that may be swapped; none without attention."""
        ...

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype: ...

    def __call__(self, tokens: Tensor, memory_tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, W] of tokens [B, T] that look at memory_tokens [B, S], of `lengths` [B]."""
        ...

    def encode(self, tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """What a decoder is to look at: [M, S, W] of tokens [M, S], text in the first `lengths` [M]; None is all."""
        ...

    def logits(self, tokens: Tensor, memory: Tensor, *, lengths: Tensor | None = None, cache: Any = None) -> Tensor:
        """Scores of every next token, [R, T, V], of tokens [R, T] that look at memory [M, S, W], of `lengths` [M].

        `cache` is one that this model made.
        """
        ...

    def cache(self, *, batch: int, capacity: int, memory: int, beams: int = 1) -> DecoderCache:
        """An empty cache for `batch` memories of `memory` tokens, each with one row of up to `capacity` tokens.

        `reorder` may make more rows of it, `beams` a memory at most.
        """
        ...


@dataclass(frozen=True)
class Seq2SeqSpec:
    """A whole model as a value. The encoder has no head; each of the decoder's blocks looks at the memory.

    `shared`: both read their tokens with the same table. `shrunk`: what the head reads is divided by the root of the
    width, where its rows are as large as those of a table (T5, Raffel et al. 2020, release code).
    """

    encoder: TransformerSpec
    decoder: TransformerSpec
    shared: bool = True
    shrunk: bool = False

    def __post_init__(self) -> None:
        if self.encoder.head is not None or self.decoder.head is None:
            raise SpecError("In an encoder-decoder the decoder has the head, and the encoder has none.")
        if any(block.memory for block in self.encoder.blocks) or not all(block.memory for block in self.decoder.blocks):
            raise SpecError("In an encoder-decoder each block of the decoder looks at the memory, and no other does.")
        sizes = [(each.width, each.embedding.vocab) for each in (self.encoder, self.decoder)]
        if sizes[0][0] != sizes[1][0] or (self.shared and sizes[0] != sizes[1]):
            raise SpecError(
                "Encoder and decoder have the widths {widths} and the vocabularies {vocabs}; widths must be equal, and "
                "to share an embedding vocabularies too.",
                widths=" / ".join(str(width) for width, _ in sizes),
                vocabs=" / ".join(str(vocab) for _, vocab in sizes),
            )

    @property
    def vocab(self) -> int:
        """How many tokens it may write."""
        return self.decoder.embedding.vocab

    @property
    def depth(self) -> int:
        """Layers of both sides."""
        return len(self.encoder.blocks) + len(self.decoder.blocks)

    def build(self) -> Seq2Seq:
        return Seq2Seq(self)


@dataclass(frozen=True)
class Seq2SeqCache:
    """Keys and values of the tokens written so far, and of the memory they look at."""

    own: StaticCache
    memory: StaticCache

    def reorder(self, rows: Tensor) -> None:
        """Let written row i become what row rows[i] was; there are then as many rows as `rows` [R] names."""
        self.own.reorder(rows)

    def keep(self, memories: Tensor) -> None:
        """Go on with these memories [M] alone; `reorder` says which rows look at them."""
        self.memory.reorder(memories)


class DecoderShortcut(Protocol):
    """A faster way to what a decoder gives, for rows whose cache it made; a pass makes it of the finished model."""

    def cache(self, *, batch: int, capacity: int, memory: int, beams: int) -> DecoderCache | None:
        """See EncoderDecoder.cache; None leaves these rows to the model."""
        ...

    def logits(self, tokens: Tensor, memory: Tensor, lengths: Tensor | None, rows: Any) -> Tensor:
        """What `Seq2Seq.logits` would give; `rows` is a cache that this one made."""
        ...


class Seq2Seq(nn.Module):
    """What a Seq2SeqSpec builds."""

    def __init__(self, spec: Seq2SeqSpec) -> None:
        super().__init__()
        self.shortcut: DecoderShortcut | None = None
        self.spec = spec
        self.encoder = spec.encoder.build()
        self.decoder = spec.decoder.build()
        if spec.shared:
            self.encoder.embedding.tokens = self.decoder.embedding.tokens

    @property
    def device(self) -> torch.device:
        return self.decoder.device

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.dtype

    @property
    def vocab(self) -> int:
        return self.spec.vocab

    @property
    def context(self) -> int:
        return min(self.spec.encoder.context, self.spec.decoder.context)

    @property
    def looks(self) -> Sequence[Attention]:
        found = [block.memory_attention for block in self.decoder.blocks]
        return [look for look in found if isinstance(look, Attention)]

    @property
    def head(self) -> nn.Module:
        """What reads the decoder's hidden states out as scores of tokens."""
        head = self.decoder.head
        assert isinstance(head, nn.Module), "the spec is refused without one"
        return head

    def forward(self, tokens: Tensor, memory_tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, W] of tokens [B, T] that look at memory_tokens [B, S], of `lengths` [B]."""
        return self.decode(tokens, self.encode(memory_tokens, lengths=lengths), lengths=lengths)

    def encode(self, tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """What a decoder is to look at: [M, S, W] of tokens [M, S], text in the first `lengths` [M]; None is all."""
        mask = self.encoder.spec.mask
        memory: Tensor = self.encoder(tokens, mask=mask if lengths is None else mask & RightPadding(lengths))
        return memory

    def decode(
        self, tokens: Tensor, memory: Tensor, *, lengths: Tensor | None = None, cache: Seq2SeqCache | None = None
    ) -> Tensor:
        """Hidden states [R, T, W] of tokens [R, T], R / M rows of which look at each memory of [M, S, W] in turn.

        Args:
            lengths: [M], how much of each memory is no padding; None is all.
            cache: what earlier calls with the same memory left; extended and advanced by T slots.
        """
        mask = FULL if lengths is None else RightPadding(lengths)
        seen = kernel_mask(mask, start=0, length=memory.shape[1], device=memory.device)
        if cache is None:
            hidden: Tensor = self.decoder(tokens, memory=Memory(memory, seen))
        else:
            fresh = memory[:, cache.memory.slots :]
            hidden = self.decoder(tokens, cache=cache.own, memory=Memory(fresh, seen, cache.memory))
            cache.memory.advance(fresh.shape[1])
        return hidden * self.spec.decoder.width**-0.5 if self.spec.shrunk else hidden

    def logits(
        self, tokens: Tensor, memory: Tensor, *, lengths: Tensor | None = None, cache: DecoderCache | None = None
    ) -> Tensor:
        """Scores of every next token, [R, T, V]; see `decode`."""
        if not (cache is None or isinstance(cache, Seq2SeqCache)):
            assert self.shortcut is not None, "only a shortcut makes caches of another kind"
            return self.shortcut.logits(tokens, memory, lengths, cache)
        out: Tensor = self.head(self.decode(tokens, memory, lengths=lengths, cache=cache))
        return out

    def cache(self, *, batch: int, capacity: int, memory: int, beams: int = 1) -> DecoderCache:
        """An empty cache for `batch` memories of `memory` tokens, each with one row of up to `capacity` tokens.

        `reorder` may make more rows of it, `beams` a memory at most.
        """
        if self.shortcut is not None:
            made = self.shortcut.cache(batch=batch, capacity=capacity, memory=memory, beams=beams)
            if made is not None:
                return made
        looks = [block.memory for block in self.spec.decoder.blocks if block.memory]
        shapes = [(look.kv_heads, look.head_width) for look in looks]
        return Seq2SeqCache(
            self.decoder.cache(batch=batch, capacity=capacity),
            StaticCache(shapes, batch=batch, capacity=memory, dtype=self.dtype, device=self.device),
        )
