"""The plain loop: one forward a token, all rows together. Every faster engine is held against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from unmask.core.masks import LeftPadding
from unmask.core.transformer import Transformer
from unmask.generation.answer import Answer, Piece
from unmask.generation.chances import prompt_chances


def generate(model: Transformer, answers: Sequence[Answer]) -> Iterator[list[Piece | None]]:
    """Write all answers to their end; yields, each step, what was written of each, None for those that had ended.

    Unequal prompts are padded on the left; positions count from a row's first real token, so a row is the same
    alone and in a batch (to float error). Closing the iterator stops the work.
    """
    device = model.device
    for answer in answers:
        if answer.order.prompt_chances is not None:
            best, size = answer.order.prompt_chances, answer.spelled
            answer.prompt_chances = tuple(prompt_chances(model, answer.prompt, best=best, size=size))
    if any(answer.finish for answer in answers):
        yield [answer.piece("") if answer.finish else None for answer in answers]
    if all(answer.finish for answer in answers):
        return
    longest = max(len(answer.prompt) for answer in answers)
    padding = torch.tensor([longest - len(answer.prompt) for answer in answers], device=device)  # [B]
    rows = [[0] * (longest - len(answer.prompt)) + list(answer.prompt) for answer in answers]
    tokens = torch.tensor(rows, device=device)  # [B, T]
    cache = model.cache(batch=len(answers), capacity=longest + max(answer.room for answer in answers))
    padded = min(len(answer.prompt) for answer in answers) < longest
    mask = model.spec.mask & LeftPadding(padding) if padded else None
    while True:
        slots = torch.arange(cache.slots, cache.slots + tokens.shape[1], device=device)
        # Without padding the model's own mask and positions will do, and it is free to take its shortcut.
        positions = (slots - padding[:, None]).clamp(min=0) if padded else None  # [B, T]
        with torch.inference_mode():
            logits = model.logits(tokens, positions=positions, mask=mask, cache=cache, last=1)[:, -1]  # [B, V]
            shown = [None if answer.finish else answer.push(row) for answer, row in zip(answers, logits, strict=True)]
        yield shown
        if all(answer.finish for answer in answers):
            return
        # A finished row goes on as padding would: nobody reads what it writes.
        tokens = torch.tensor([[answer.tokens[-1] if answer.tokens else 0] for answer in answers], device=device)
