"""The peer of bench/train.py that everybody could write: a GPT and its loop in plain PyTorch, in the way of nanoGPT."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.all = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        parts = self.all(x).split(width, dim=2)
        query, key, value = (each.view(rows, length, self.heads, -1).transpose(1, 2) for each in parts)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.out(mixed.transpose(1, 2).contiguous().view(rows, length, width))
        return out


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        out: Tensor = x + self.down(F.gelu(self.up(self.second(x)), approximate="tanh"))
        return out


class GPT(nn.Module):
    def __init__(self, *, width: int, depth: int, heads: int, vocab: int, context: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.tokens.weight
        for name, each in self.named_parameters():
            if each.dim() > 1:
                nn.init.normal_(
                    each, std=0.02 / (2 * depth) ** 0.5 if name.endswith(("out.weight", "down.weight")) else 0.02
                )

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        scores = self.head(self.norm(x))
        return F.cross_entropy(scores.view(-1, scores.shape[-1]), targets.view(-1))


def learn(
    model: nn.Module,
    batch: Callable[[int], tuple[Tensor, Tensor]],
    *,
    steps: int,
    bfloat16: bool,
    told: Callable[[], None],
) -> None:
    """The loop: AdamW, clipping, autocast in bfloat16; `told` after each step."""
    decayed = [each for each in model.parameters() if each.dim() > 1]
    others = [each for each in model.parameters() if each.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), fused=True)
    device = next(model.parameters()).device
    for step in range(steps):
        tokens, targets = batch(step)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            loss = model(tokens.to(device), targets.to(device))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        told()
