"""The likeliest answers of a causal model to a prompt, by beam search."""

from __future__ import annotations

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.memory import cache_size, free_memory
from unmask.core.transformer import Transformer
from unmask.generation.answer import Order
from unmask.generation.search import Hypothesis, Rules, Search, beam_search, hypothesis
from unmask.text.tokenizer import Tokenizer


class Decoder:
    """A causal Transformer and its cache as Steps; begins with one row a text, so that a prompt is read once."""

    def __init__(self, model: Transformer, *, texts: int, capacity: int) -> None:
        self.model = model
        self.cache = model.cache(batch=texts, capacity=capacity)

    def step(self, tokens: Tensor) -> Tensor:
        return self.model.logits(tokens, cache=self.cache, last=1)[:, -1]

    def reorder(self, rows: Tensor) -> None:
        self.cache.reorder(rows)

    def unseen(self) -> None:
        """There is no source."""

    def keep(self, texts: Tensor) -> None:
        """Its rows are all it knows of a text."""


def search(model: Transformer, order: Order, wanted: Search, tokenizer: Tokenizer) -> list[Hypothesis]:
    """The likeliest answers to an order's prompt, the best first; `best` of them unless the vocabulary has fewer.

    Raises:
        ContextError, RequestError: as Order.room does, or if this machine has no room for so many beams, or a source
            is to be covered.
    """
    if wanted.coverage:
        raise RequestError(
            "coverage is {value}, and this model writes without a source to cover. Leave it out, or choose a "
            "translator.",
            value=wanted.coverage,
        )
    context, vocab = model.spec.context, model.spec.embedding.vocab
    room = order.room(context)
    capacity = len(order.prompt) + room
    check_memory(model, wanted.beams, capacity)
    prompt = torch.tensor([order.prompt], device=model.device)
    # Embeddings are often padded to a round number of rows; those past the vocabulary spell nothing.
    rules = Rules(room, tokenizer.ends, min(vocab, tokenizer.size))
    (found,) = beam_search(Decoder(model, texts=1, capacity=capacity), prompt, wanted, rules)
    return [hypothesis(path, wanted, rules, tokenizer) for path in found[: wanted.best]]


def check_memory(model: Transformer, beams: int, tokens: int) -> None:
    """Refuse more beams than there is memory for: a search takes it little by little, and would fail late."""
    size, free = beams * cache_size(model.spec, tokens, model.cache_dtype), free_memory(model.device)
    if free is not None and size > free:
        raise RequestError(
            "{beams} beams of {tokens} tokens need {size:.1f} GB for their keys and values, and {free:.1f} GB are free "
            "here. Take fewer beams or a smaller limit.",
            beams=beams,
            tokens=tokens,
            size=size / 1e9,
            free=free / 1e9,
        )
