"""The papers' models by name, at their size and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unmask.base.errors import SpecError
from unmask.base.registry import nearest
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.core.transformer import TransformerSpec
from unmask.families.scales import MAKERS, Scale, scaled_original


@dataclass(frozen=True)
class Size:
    """What makes a published model: `family` is its name in `unmask.families`."""

    family: str
    scale: Scale
    vocab: int
    context: int


def sizes(family: str, vocab: int, context: int, scales: Mapping[str, tuple[int, int, int]]) -> dict[str, Size]:
    """Models of one family by name, each of a width, a depth and so many heads."""
    return {name: Size(family, Scale(*scale), vocab, context) for name, scale in scales.items()}


SIZES: Mapping[str, Size] = {
    **sizes("gpt1", 40_478, 512, {"gpt1": (768, 12, 12)}),
    **sizes(
        "gpt2",
        50_257,
        1024,
        {
            "gpt2": (768, 12, 12),
            "gpt2-medium": (1024, 24, 16),
            "gpt2-large": (1280, 36, 20),
            "gpt2-xl": (1600, 48, 25),
        },
    ),
    **sizes(
        "gpt3",
        50_257,
        2048,
        {
            "gpt3-125m": (768, 12, 12),
            "gpt3-350m": (1024, 24, 16),
            "gpt3-760m": (1536, 24, 16),
            # The paper prints 24 heads of 128, which are wider than its 2,048.
            "gpt3-1.3b": (2048, 24, 16),
            "gpt3-2.7b": (2560, 32, 32),
            "gpt3-6.7b": (4096, 32, 32),
            # The paper prints a width of 5,140, which its 40 heads of 128 do not fill.
            "gpt3-13b": (5120, 40, 40),
            "gpt3-175b": (12_288, 96, 96),
        },
    ),
    **sizes("bert", 30_522, 512, {"bert-base": (768, 12, 12), "bert-large": (1024, 24, 16)}),
    **sizes("glm", 30_592, 512, {"glm-base": (768, 12, 12), "glm-large": (1024, 24, 16)}),
    **sizes("glm", 50_304, 1024, {"glm-10b": (4096, 48, 64)}),
    **sizes(
        "llama",
        32_000,
        2048,
        {
            "llama-7b": (4096, 32, 32),
            "llama-13b": (5120, 40, 40),
            "llama-33b": (6656, 60, 52),
            "llama-65b": (8192, 80, 64),
        },
    ),
}
"""Sources: Radford et al. 2018, section 4.1; Radford et al. 2019, table 2; Brown et al. 2020, table 2.1; Devlin et al.
2019, section 3; Du et al. 2022, section 3.1 and release code; Touvron et al. 2023a, table 2.
"""

SEQ2SEQ_SIZES: Mapping[str, Size] = sizes(
    "marian", 37_000, 512, {"transformer-base": (512, 6, 8), "transformer-big": (1024, 6, 16)}
)
"""Source: Vaswani et al. 2017, table 3; it has no longest row, Marian's models have 512 tokens."""


def sized(name: str, *, vocab: int | None = None, context: int | None = None) -> TransformerSpec:
    """The model of that name.

    Args:
        vocab, context: None is the paper's.
    Raises:
        SpecError: if there is none.
    """
    size = found(name, SIZES)
    return MAKERS[size.family](size.scale, vocab or size.vocab, context or size.context)


def sized_seq2seq(name: str, *, vocab: int | None = None, context: int | None = None) -> Seq2SeqSpec:
    """The encoder-decoder of that name; as `sized`."""
    size = found(name, SEQ2SEQ_SIZES)
    return scaled_original(size.scale, vocab or size.vocab, context or size.context)


def found(name: str, known: Mapping[str, Size]) -> Size:
    if name not in known:
        raise SpecError(
            "Unknown size {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=name,
            known=", ".join(known),
            nearest=nearest(name, known, count=1)[0],
        )
    return known[name]
