"""Two texts, and where each token of the second looked in the first: of a translation, which word comes from where.

Source: Bahdanau et al. 2015, section 5.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.seq2seq import EncoderDecoder
from unmask.core.trace import recalled
from unmask.generation.look import named
from unmask.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Side:
    """One of the texts, as a `Look` has it; its last token is the one that ended it, with an empty span."""

    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, text: str, tokenizer: Tokenizer) -> Side:
        found = tokenizer.encode(text)
        return cls(text, found.ids, found.spans, named(text, found, tokenizer))


@dataclass(frozen=True)
class Aligned:
    """Weights [N, H, T, S] of each layer and head: row t is where was looked when token t of the target was said."""

    source: Side
    target: Side
    weights: Tensor


@torch.inference_mode()
def align(model: EncoderDecoder, source: Side, target: Side, *, start: int) -> Aligned:
    """Let a model say the target of the source, and keep where it looks.

    Raises:
        RequestError: if it looks at nothing, having no attention, or a text is too long for it.
    """
    if not model.looks:
        raise RequestError("This model has no attention to what it reads, so there is no alignment to see.")
    for side in (source, target):
        if len(side.ids) > model.context:
            raise RequestError(
                "{text:.40}... has {tokens} tokens, and this model reads and writes at most {context}. Give a shorter "
                "text.",
                text=side.text,
                tokens=len(side.ids),
                context=model.context,
            )
    tokens = torch.tensor([[start, *target.ids[:-1]]], device=model.device)
    with recalled(model.looks) as kept:
        model(tokens, torch.tensor([source.ids], device=model.device))
    return Aligned(source, target, torch.cat([torch.cat(calls, dim=2) for calls in kept]))
