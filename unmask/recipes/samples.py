"""What a model says, shown while it learns and after: plain greedy loops for the models that have no other yet."""

from __future__ import annotations

from dataclasses import replace

import torch

from unmask.core.masks import Causal, Prefix
from unmask.core.transformer import Transformer
from unmask.data.blanks import blank_marks
from unmask.data.corpus import Corpus
from unmask.generation.replies import replies
from unmask.generation.sampling import Sampling
from unmask.model import Model
from unmask.text.tokenizer import Tokenizer

PIECE = 12
"""Tokens between two holes, at the most."""


def with_holes(corpus: Corpus, tokenizer: Tokenizer, *, hidden: int, room: int) -> str:
    """The beginning of a corpus with two holes of so many tokens, each written [MASK]; for a context of `room`."""
    size = max(1, min(PIECE, room // 4))
    begins = [number * (size + hidden) for number in range(3)]
    pieces = [corpus.slice(begin, min(begin + size, corpus.tokens)).tolist() for begin in begins]
    return " [MASK] ".join(tokenizer.decode(piece).strip() for piece in pieces if piece)


def continued(writer: Model, prompt: str, sampling: Sampling, *, count: int) -> str:
    """A prompt and `count` tokens after it, or fewer where the model ends; of what was written before only half a
    context is seen again when the context is full."""
    ids, said = list(writer.reader.spelled(prompt).ids), list[int]()
    while len(said) < count:
        seen = tuple((ids + said)[-max(1, writer.context // 2) :])
        drawn = replace(sampling, seed=(sampling.seed or 0) + len(said))
        reply = replies(
            writer.core, [writer.answer(seen, drawn, min(writer.context - len(seen), count - len(said)), ())]
        )[0]
        said += reply.tokens
        if reply.finish == "stop":
            break
    return writer.tokenizer.decode(ids + said)


@torch.inference_mode()
def filled(model: Transformer, tokenizer: Tokenizer, text: str, *, limit: int) -> str:
    """The text with what a GLM puts into its blanks, one after the other, at most `limit` tokens each.

    Source: GLM (Du et al. 2022), section 2.3.
    """
    marks = blank_marks(tokenizer)
    row = [marks.begin, *tokenizer.encode(text, special=False).ids]
    while marks.span in row:
        at, said = row.index(marks.span), list[int]()
        while len(said) < limit and len(row) + len(said) + 1 < model.spec.context:
            tokens = torch.tensor([[*row, marks.start, *said]], device=model.device)
            places = [*range(len(row)), *[at] * (1 + len(said))]
            within = [*[0] * len(row), *range(1, 2 + len(said))]
            scores = model.logits(
                tokens,
                positions=torch.tensor([[places, within]], device=model.device),
                mask=Causal() | Prefix(torch.tensor([len(row)], device=model.device)),
                last=1,
            )[0, -1]
            scores[marks.span] = -torch.inf  # a blank in a blank would be filled for ever
            best = int(scores.argmax())
            if best == marks.end:
                break
            said.append(best)
        row[at : at + 1] = said
    return tokenizer.decode(row[1:])
