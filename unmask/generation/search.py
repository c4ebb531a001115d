"""Beam search: the likeliest answers, several written side by side and the unlikely ones dropped at every token.

Sources: Sutskever et al. 2014, section 3.2 (an ended hypothesis leaves the beam); the power of the length that a score
is divided by: Wu et al. 2016, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.memory import cache_size, free_memory
from unmask.core.transformer import Transformer
from unmask.generation.answer import Finish, Order
from unmask.text.tokenizer import Tokenizer

WIDEST = 1024
STEEPEST = 10.0


@dataclass(frozen=True)
class Search:
    """How widely to look.

    Args:
        beams: how many hypotheses are written side by side; 1 is greedy.
        best: how many of them to return.
        length_penalty: the power of its length that a hypothesis' log-probability is divided by; 0 takes it as it is,
            more favours long ones.
    Raises:
        RequestError: if a value is out of its range.
    """

    beams: int = 4
    best: int = 1
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        ranges = {"beams": (1, WIDEST), "best": (1, self.beams), "length_penalty": (-STEEPEST, STEEPEST)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise RequestError(
                    "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=low, high=high
                )


@dataclass(frozen=True)
class Hypothesis:
    """One answer that was found."""

    text: str
    tokens: tuple[int, ...]
    """Without the one that ended it."""
    logprob: float
    """Natural logarithm of the probability of all its tokens, the one that ended it included."""
    score: float
    """`logprob` by the length penalty, for which the token that ended it counts too; the best has the largest."""
    finish: Finish


class Steps(Protocol):
    """What a search asks of a model: anything that foresees a row's next token and remembers the row."""

    def step(self, tokens: Tensor) -> Tensor:
        """Logits [B, V] of what follows tokens [B, T], which themselves follow all that was given before."""
        ...

    def reorder(self, rows: Tensor) -> None:
        """Let row i become what row rows[i] was; there are then as many rows as `rows` [B] names."""
        ...


class Decoder:
    """A causal Transformer and its cache as Steps; begins with one row, so that a prompt is read once."""

    def __init__(self, model: Transformer, *, capacity: int) -> None:
        self.model = model
        self.cache = model.cache(batch=1, capacity=capacity)

    def step(self, tokens: Tensor) -> Tensor:
        return self.model.logits(tokens, cache=self.cache, last=1)[:, -1]

    def reorder(self, rows: Tensor) -> None:
        self.cache.reorder(rows)


@dataclass(frozen=True)
class Path:
    """Tokens that were tried one after the other, and the row that holds all but the last of them."""

    tokens: tuple[int, ...]
    logprob: float
    row: int

    def score(self, penalty: float) -> float:
        return float(self.logprob / len(self.tokens) ** penalty)


def search(model: Transformer, order: Order, wanted: Search, tokenizer: Tokenizer) -> list[Hypothesis]:
    """The likeliest answers to an order's prompt, the best first; `best` of them unless the vocabulary has fewer.

    Raises:
        ContextError, RequestError: as Order.room does, or if this machine has no room for so many beams.
    """
    context, vocab = model.spec.context, model.spec.embedding.vocab
    room = order.room(context)
    capacity = len(order.prompt) + room
    check_memory(model, wanted.beams, capacity)
    prompt = torch.tensor([order.prompt], device=model.device)
    # Embeddings are often padded to a round number of rows; those past the vocabulary spell nothing.
    spelled = min(vocab, tokenizer.size)
    steps = Decoder(model, capacity=capacity)
    found = beam_search(steps, prompt, wanted, room=room, ends=tokenizer.ends, vocab=spelled)
    return [hypothesis(path, wanted, tokenizer) for path in found[: wanted.best]]


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


@torch.inference_mode()
def beam_search(
    steps: Steps, prompt: Tensor, wanted: Search, *, room: int, ends: frozenset[int], vocab: int
) -> list[Path]:
    """The paths from a prompt [1, T] that ended or are `room` tokens long, the best first, at most `beams` of them.

    It is over when as many have ended as there are beams, and the likeliest of those still written, were it to end
    where it is, would come after them all (what transformers calls early_stopping=False).

    Args:
        vocab: only ids below it are written.
    """
    tokens, running, ended = prompt, [Path((), 0.0, 0)], list[Path]()
    for length in range(1, room + 1):
        grown = likeliest(steps.step(tokens), running, count=wanted.beams * (1 + len(ends)), vocab=vocab)
        closed = [path for path in grown[: wanted.beams] if length == room or path.tokens[-1] in ends]
        ended = sorted([*ended, *closed], key=lambda path: path.score(wanted.length_penalty), reverse=True)
        del ended[wanted.beams :]
        running = [path for path in grown if path.tokens[-1] not in ends][: wanted.beams]
        if length == room or not running or settled(running[0], ended, wanted):
            break
        steps.reorder(torch.tensor([path.row for path in running], device=prompt.device))
        tokens = torch.tensor([path.tokens[-1:] for path in running], device=prompt.device)  # [B, 1]
    return ended


def likeliest(logits: Tensor, running: Sequence[Path], *, count: int, vocab: int) -> list[Path]:
    """The `count` likeliest ways to go on by one token, from logits [B, V] for the running paths; best first."""
    before = torch.tensor([path.logprob for path in running], dtype=torch.float64, device=logits.device)
    # In double precision: a sum over thousands of tokens is compared with another that differs in one.
    totals = (before[:, None] + logits.double().log_softmax(dim=-1)[:, :vocab]).flatten()  # [B * V]
    best, places = totals.topk(min(count, len(totals)))
    return [
        Path((*running[place // vocab].tokens, place % vocab), logprob, place // vocab)
        for logprob, place in zip(best.tolist(), places.tolist(), strict=True)
    ]


def settled(running: Path, ended: Sequence[Path], wanted: Search) -> bool:
    """Whether enough paths have ended, all at least as good as the best running one is now."""
    penalty = wanted.length_penalty
    return len(ended) == wanted.beams and running.score(penalty) <= ended[-1].score(penalty)


def hypothesis(path: Path, wanted: Search, tokenizer: Tokenizer) -> Hypothesis:
    """An ended path as it is handed out."""
    stopped = path.tokens[-1] in tokenizer.ends
    tokens = path.tokens[:-1] if stopped else path.tokens
    return Hypothesis(
        text=tokenizer.decode(tokens),
        tokens=tokens,
        logprob=path.logprob,
        score=path.score(wanted.length_penalty),
        finish="stop" if stopped else "length",
    )
