"""A model, data and a way to learn for tests of the loop: small, and each batch a pure function of its step and row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from unmask.base.streams import stream
from unmask.core.transformer import Transformer
from unmask.data.batch import Batch
from unmask.families.gpt import GPTSize, gpt
from unmask.training.crossentropy import token_loss
from unmask.training.objectives import Loss

VOCAB, LENGTH = 31, 12


def model(seed: int = 0) -> Transformer:
    torch.manual_seed(seed)
    size = GPTSize(width=16, depth=2, heads=2, hidden=32, vocab=VOCAB, context=LENGTH, norm_eps=1e-5, tied=True)
    return gpt(size).build()


@dataclass(frozen=True)
class Counting:
    """Rows that count upwards from a drawn number, so that there is something to learn."""

    rows: int = 4
    seed: int = 0
    fingerprint: str = "counting"
    poison: int | None = None
    """A step whose tokens are no tokens."""

    def batch(self, step: int, rows: range) -> Batch:
        begins = [int(stream(self.seed, "counting", step, row).integers(VOCAB)) for row in rows]
        whole = (torch.tensor(begins)[:, None] + torch.arange(LENGTH + 1)) % VOCAB
        return Batch(tokens=whole[:, :-1], targets=whole[:, 1:])


@dataclass(frozen=True)
class Next:
    """The next token."""

    name: str = "causal"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"tokens": batch.asked}

    def loss(self, model: Any, batch: Batch) -> Loss:
        hidden = model(batch.tokens)
        total = token_loss(hidden.flatten(0, 1), model.head, batch.targets.flatten())
        return Loss({"tokens": (total, batch.asked)})


def reference_losses(steps: int, *, rate: float, clip: float, decay: float, batches: Counting) -> list[float]:
    """What a plain loop gives: torch's optimizer, torch's cross-entropy, a constant rate."""
    net = model()
    named = list(net.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [each for each in named if each.dim() > 1], "weight_decay": decay},
            {"params": [each for each in named if each.dim() < 2], "weight_decay": 0.0},
        ],
        lr=rate,
        betas=(0.9, 0.95),
    )
    losses = []
    for step in range(steps):
        batch = batches.batch(step, range(batches.rows))
        loss = F.cross_entropy(net.logits(batch.tokens).flatten(0, 1), batch.targets.flatten())
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(named, clip)
        optimizer.step()
    return losses
