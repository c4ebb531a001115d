"""The first Transformer: it encodes one text and decodes another. Source: Vaswani et al. 2017, section 3."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Causal, Full
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import SinusoidSpec
from unmask.core.residual import Post, Pre, Residual
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.core.transformer import TransformerSpec

NORM = LayerNormSpec(eps=1e-5)
POST = Post()


@dataclass(frozen=True)
class StackSize:
    """The sizes of an encoder or a decoder."""

    depth: int
    heads: int
    hidden: int


@dataclass(frozen=True)
class OriginalSize:
    """The sizes that make one of these models of another.

    `target_vocab`: of what is written, where it has a vocabulary of its own.
    """

    width: int
    encoder: StackSize
    decoder: StackSize
    vocab: int
    context: int
    activation: str = "relu"
    scaled: bool = True
    """Tokens' rows times the root of the width (section 3.4)."""
    residual: Residual = POST
    """The paper has the norm after each sum; with it before, each stack ends in one more."""
    target_vocab: int | None = None


def original(size: OriginalSize) -> Seq2SeqSpec:
    """With biases everywhere, positions as waves, and one table for the text that is written and for the scores, and
    for the text that is read where both have one vocabulary (section 3.4)."""
    shared = size.target_vocab is None
    writer = stack(size, size.decoder, size.vocab if size.target_vocab is None else size.target_vocab)
    blocks = tuple(replace(block, memory=block.attention) for block in writer.blocks)
    decoder = replace(writer, blocks=blocks, mask=Causal(), head=NextTokenSpec(tied=True, bias=True))
    return Seq2SeqSpec(stack(size, size.encoder, size.vocab), decoder, shared=shared)


def stack(size: OriginalSize, own: StackSize, vocab: int) -> TransformerSpec:
    """An encoder; and a decoder, but for its mask, its head and its look at the memory."""
    head_width = size.width // own.heads
    attention = AttentionSpec(own.heads, own.heads, head_width, bias=True, out_bias=True)
    feedforward = PlainSpec(hidden=own.hidden, activation=size.activation)
    block = BlockSpec(norm=NORM, residual=size.residual, attention=attention, feedforward=feedforward)
    return TransformerSpec(
        width=size.width,
        context=size.context,
        embedding=EmbeddingSpec(vocab, positions=SinusoidSpec(size.context), scaled=size.scaled),
        blocks=(block,) * own.depth,
        mask=Full(),
        final_norm=NORM if isinstance(size.residual, Pre) else None,
        head=None,
    )
