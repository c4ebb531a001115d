"""Fill in the middle: the text before and after a gap as the ids that code models were trained to read them in."""

from __future__ import annotations

from collections.abc import Sequence

from unmask.text.tokenizer import Tokenizer

BEFORE, AFTER = "$A", "$B"

LAYOUTS: Sequence[Sequence[str]] = (
    ("<|fim_prefix|>", BEFORE, "<|fim_suffix|>", AFTER, "<|fim_middle|>"),  # Qwen2.5-Coder, CodeGemma
    ("<fim_prefix>", BEFORE, "<fim_suffix>", AFTER, "<fim_middle>"),  # StarCoder, Granite
    ("<fim-prefix>", BEFORE, "<fim-suffix>", AFTER, "<fim-middle>"),  # SantaCoder
    ("<|code_prefix|>", BEFORE, "<|code_suffix|>", AFTER, "<|code_middle|>"),  # CodeGeeX4
    ("▁<PRE>", BEFORE, "▁<SUF>", AFTER, "▁<MID>"),  # Code Llama
    ("<｜fim▁begin｜>", BEFORE, "<｜fim▁hole｜>", AFTER, "<｜fim▁end｜>"),  # noqa: RUF001 -- DeepSeek-Coder's own bars
    ("[SUFFIX]", AFTER, "[PREFIX]", BEFORE),  # Codestral
)
"""Control tokens and texts in the order in which a family reads them, as its makers' model card says.

Source: "Efficient training of language models to fill in the middle" (Bavarian et al. 2022), section 3.
"""


def infilled(tokenizer: Tokenizer, before: str, after: str) -> tuple[int, ...] | None:
    """The ids after which a model writes what stands between two texts; None where it has no tokens for that.

    Raises:
        TokenizerError: if its vocabulary cannot spell a text.
    """
    texts = {BEFORE: before, AFTER: after}
    for layout in LAYOUTS:
        control = {part: found for part in layout if part not in texts and (found := tokenizer.id(part)) is not None}
        if len(control) + len(texts) == len(layout):
            return begin(tokenizer) + tuple(
                # Each text by itself: no token may reach across the gap.
                each
                for part in layout
                for each in ((control[part],) if part in control else tokenizer.encode(texts[part], special=False).ids)
            )
    return None


def begin(tokenizer: Tokenizer) -> tuple[int, ...]:
    """The token that begins a text, where the model expects one."""
    return () if tokenizer.bos is None or tokenizer.bos not in tokenizer.encode("").ids else (tokenizer.bos,)
