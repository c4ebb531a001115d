"""One batch of sources being turned into another language, token by token: what a search and a sampler step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import ContextError, RequestError
from unmask.core.seq2seq import EncoderDecoder
from unmask.generation.sampling import Chooser, Sampling
from unmask.generation.search import Rules
from unmask.text.tokenizer import Tokenizer

LEAST = 1e-6
"""A token that was looked at less counts as looked at so much: none has an infinite weight."""


@dataclass(frozen=True)
class Manner:
    """How a translator writes: what begins a translation and ends it.

    Args:
        start: the id that begins each, and is no part of it.
        ends: ids that end one.
        never: ids that are not written.
        forced: the id that takes the last place of one that has not ended before, whatever the model expects.
        limit: the most tokens of one, the end included; None fills the context.
    """

    start: int
    ends: frozenset[int]
    never: frozenset[int] = frozenset()
    forced: int | None = None
    limit: int | None = None

    def rules(self, model: EncoderDecoder, tokenizer: Tokenizer) -> Rules:
        """
        Raises:
            RequestError: if the limit is not positive.
        """
        if self.limit is not None and self.limit < 1:
            raise RequestError("The limit is {limit} tokens; it must be at least {fewest}.", limit=self.limit, fewest=1)
        room = model.context if self.limit is None else min(self.limit, model.context)
        # Embeddings are often padded to a round number of rows; those past the vocabulary spell nothing.
        return Rules(room, self.ends, min(model.vocab, tokenizer.size), tuple(sorted(self.never)), self.forced)


class Rendering:
    """Sources that were read, and a translation of each being written, as Steps; begins with one row a source.

    Args:
        beams: how many rows a source may have.
        watched: where the weights of the model's last look at its memory are put down, call by call (`recalled` of
            core/trace.py); None where nobody asks what was seen.
    """

    @torch.inference_mode()
    def __init__(
        self,
        model: EncoderDecoder,
        sources: Sequence[Sequence[int]],
        *,
        room: int,
        beams: int = 1,
        watched: list[Tensor] | None = None,
    ) -> None:
        longest = max(len(source) for source in sources)
        rows = [[*source, *[0] * (longest - len(source))] for source in sources]
        self.model = model
        self.lengths: Tensor | None = None
        if min(len(source) for source in sources) < longest:
            self.lengths = torch.tensor([len(source) for source in sources], device=model.device)
        self.memory = model.encode(torch.tensor(rows, device=model.device), lengths=self.lengths)
        self.cache = model.cache(batch=len(sources), capacity=room, memory=longest, beams=beams)
        self.watched = watched
        self.seen = torch.zeros(len(sources), longest, device=model.device)  # [R, S], how much each token was looked at

    def step(self, tokens: Tensor) -> Tensor:
        logits = self.model.logits(tokens, self.memory, lengths=self.lengths, cache=self.cache)[:, -1]
        if self.watched is not None:
            # Rows of one source look as queries of one row: [M, H, R / M, S].
            self.seen = self.seen + self.watched.pop().mean(dim=1).view_as(self.seen)
        return logits

    def unseen(self) -> Tensor | None:
        if self.watched is None:
            return None
        share = self.seen.clamp(LEAST, 1).log()
        if self.lengths is not None:
            each = len(self.seen) // len(self.lengths)
            text = torch.arange(self.seen.shape[1], device=share.device) < self.lengths[:, None]  # [M, S]
            share = share.masked_fill(~text.repeat_interleave(each, dim=0), 0)
        return share.sum(dim=-1)

    def reorder(self, rows: Tensor) -> None:
        self.seen = self.seen[rows]
        self.cache.reorder(rows)

    def keep(self, texts: Tensor) -> None:
        self.memory = self.memory[texts]
        self.lengths = None if self.lengths is None else self.lengths[texts]
        self.cache.keep(texts)


def check_source(source: Sequence[int], *, context: int) -> None:
    """
    Raises:
        ContextError: if a source is longer than what the model reads.
        RequestError: if it is empty.
    """
    if not source:
        raise RequestError("The source is empty: there is nothing to translate. Give it at least one token.")
    if len(source) > context:
        raise ContextError(
            "The source has {tokens} tokens and the model reads {context}. Shorten it by {excess} tokens, or divide "
            "it.",
            tokens=len(source),
            context=context,
            excess=len(source) - context,
        )


@torch.inference_mode()
def draw(
    model: EncoderDecoder, sources: Sequence[Sequence[int]], sampling: Sampling, rules: Rules, *, start: int
) -> Iterator[list[tuple[int, float] | None]]:
    """Choose translations token by token; yields, each step, the id written of each and its log-probability, None for
    those that had ended. The last id of each is one that ends it, unless it filled its room.

    A row's random numbers are its own: it is the same alone and in a batch.
    """
    rendering = Rendering(model, sources, room=rules.room)
    begun = torch.tensor([start], device=model.device)
    choosers = [Chooser(sampling, begun, vocab=rules.vocab) for _ in sources]
    going, tokens = list(range(len(sources))), begun.expand(len(sources))[:, None]
    for length in range(1, rules.room + 1):
        logits = rendering.step(tokens).float()
        normalizers = logits.logsumexp(dim=-1)
        allowed = logits[:, : rules.vocab].clone()
        allowed[:, list(rules.never)] = -torch.inf
        if length == rules.room and rules.forced is not None:
            chosen = [rules.forced] * len(going)
        else:
            chosen = [int(choosers[row].choose(scores)) for row, scores in zip(going, allowed, strict=True)]
        tokens = torch.tensor(chosen, device=model.device)[:, None]
        logprobs = (logits.gather(1, tokens)[:, 0] - normalizers).tolist()
        written: list[tuple[int, float] | None] = [None] * len(sources)
        for row, token, logprob in zip(going, chosen, logprobs, strict=True):
            written[row] = token, logprob
        yield written
        left = [place for place, token in enumerate(chosen) if token not in rules.ends]
        if not left:
            return
        if len(left) < len(going):
            kept = torch.tensor(left, device=model.device)
            rendering.keep(kept)
            rendering.reorder(kept)
            going, tokens = [going[place] for place in left], tokens[kept]
