"""How well a model foresees a text, token by token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.core.transformer import Transformer
from unmask.text.tokenizer import Encoding

ROWS = 256
"""Tokens whose logits are made at a time: all at once would hold [T, V]."""


@dataclass(frozen=True)
class Score:
    """How well the model foresaw a text, token by token."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """The text of each, as it stands in what was scored."""
    logprobs: tuple[float | None, ...]
    """Natural logarithms; None for what is not foreseen: the first token, which nothing precedes."""
    total: float
    perplexity: float


def score(core: Transformer, text: str, encoding: Encoding) -> Score:
    """The score of an encoded text of at least two tokens."""
    tokens = torch.tensor([encoding.ids], device=core.device)
    logprobs = [value for chunk in foreseen(core, tokens) for value in chunk.tolist()]
    return Score(
        ids=encoding.ids,
        tokens=tuple(text[start:end] for start, end in encoding.spans),
        logprobs=(None, *logprobs),
        total=sum(logprobs),
        perplexity=float(torch.tensor(-sum(logprobs) / len(logprobs)).exp()),
    )


@torch.inference_mode()
def foreseen(core: Transformer, tokens: Tensor) -> list[Tensor]:
    """Log-probabilities of ids [1, T] from the second on, in chunks."""
    assert core.head is not None
    hidden = core(tokens)[0, :-1].split(ROWS)
    targets = tokens[0, 1:].split(ROWS)
    return [
        core.head(part).float().log_softmax(dim=-1).gather(1, target[:, None])[:, 0]
        for part, target in zip(hidden, targets, strict=True)
    ]
