"""Each family at any scale, wired as its paper has it; and one dial that sets the scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unmask.base.errors import SpecError
from unmask.base.registry import nearest
from unmask.core.heads import SummarySpec
from unmask.core.positions import LearnedSpec, Rotary
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.core.transformer import TransformerSpec
from unmask.families.encoder import EncoderSize, encoder
from unmask.families.glm import GLMSize, glm
from unmask.families.gpt import GPTSize, gpt
from unmask.families.gpt1 import gpt1
from unmask.families.gpt3 import GPT3Size, gpt3
from unmask.families.llama import LlamaSize, llama
from unmask.families.original import OriginalSize, StackSize, original

HEAD_WIDTH = 64
WINDOW = 256
"""Tokens that every second layer of a GPT-3 sees. The paper does not say; GPT-Neo's."""


@dataclass(frozen=True)
class Scale:
    """How large, but for the vocabulary and the context."""

    width: int
    depth: int
    heads: int


def gpt_size(scale: Scale, vocab: int, context: int) -> GPTSize:
    width = scale.width
    return GPTSize(width=width, depth=scale.depth, heads=scale.heads, hidden=4 * width, vocab=vocab, context=context)


def scaled_gpt1(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    return gpt1(gpt_size(scale, vocab, context))


def scaled_gpt2(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    return gpt(gpt_size(scale, vocab, context))


def scaled_gpt3(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    """In the form of the published models (see `families/gpt3.py`), so that other tools load it."""
    windows = tuple(WINDOW if layer % 2 else None for layer in range(scale.depth))
    return gpt3(GPT3Size(gpt_size(scale, vocab, context), windows, bias=False, scaled=False))


def scaled_bert(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    """With both heads of its pre-training."""
    return encoder(
        EncoderSize(
            width=scale.width,
            depth=scale.depth,
            heads=scale.heads,
            hidden=4 * scale.width,
            vocab=vocab,
            segments=2,
            positions=LearnedSpec(context),
            norm_eps=1e-12,
            activation="gelu",
            head=True,
            summary=SummarySpec(classes=2),
        )
    )


def scaled_glm(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    return glm(GLMSize(scale.width, scale.depth, scale.heads, vocab=vocab, context=context))


def scaled_llama(scale: Scale, vocab: int, context: int) -> TransformerSpec:
    """The gated layer is 8/3 times as wide, rounded up to 256s (Touvron et al. 2023a, 2.2, and release code)."""
    return llama(
        LlamaSize(
            width=scale.width,
            depth=scale.depth,
            heads=scale.heads,
            kv_heads=scale.heads,
            hidden=-(-(8 * scale.width // 3) // 256) * 256,
            vocab=vocab,
            context=context,
            norm_eps=1e-6,
            rotary=Rotary(scale.width // scale.heads),
            tied=False,
        )
    )


def scaled_original(scale: Scale, vocab: int, context: int, target_vocab: int | None = None) -> Seq2SeqSpec:
    """Encoder and decoder of the same scale; `target_vocab`: of what is written, where it has one of its own."""
    side = StackSize(scale.depth, scale.heads, hidden=4 * scale.width)
    return original(
        OriginalSize(scale.width, encoder=side, decoder=side, vocab=vocab, context=context, target_vocab=target_vocab)
    )


MAKERS: Mapping[str, Callable[[Scale, int, int], TransformerSpec]] = {
    "gpt1": scaled_gpt1,
    "gpt2": scaled_gpt2,
    "gpt3": scaled_gpt3,
    "bert": scaled_bert,
    "glm": scaled_glm,
    "llama": scaled_llama,
}
"""Names of families -> (scale, vocabulary, context) -> spec."""


def dial(family: str, *, depth: int, vocab: int, context: int) -> TransformerSpec:
    """A family at depth 1, 2, 3, ...: 64 times as wide as deep, in heads of 64.

    Raises:
        SpecError: if there is no such family, or no such depth.
    """
    if family not in MAKERS:
        raise SpecError(
            "There is no dial for the family {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=family,
            known=", ".join(MAKERS),
            nearest=nearest(family, MAKERS, count=1)[0],
        )
    return MAKERS[family](dialed(depth), vocab, context)


def dial_seq2seq(*, depth: int, vocab: int, context: int) -> Seq2SeqSpec:
    """The first Transformer by the same dial; both of its sides are so deep.

    Raises:
        SpecError: if there is no such depth.
    """
    return scaled_original(dialed(depth), vocab, context)


def dialed(depth: int) -> Scale:
    if depth < 1:
        raise SpecError("A model of depth {depth} has no layers; the dial begins at 1.", depth=depth)
    return Scale(width=HEAD_WIDTH * depth, depth=depth, heads=depth)
