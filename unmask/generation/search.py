"""Beam search: the likeliest answers, several written side by side and the unlikely ones dropped at every token.

Texts are searched together, each with its own beams; one that is done leaves the others.

Sources: Sutskever et al. 2014, section 3.2 (an ended hypothesis leaves the beam); what a score is divided by, and how
much of a source it covers: Wu et al. 2016, section 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from unmask.base.allocation import memory_kept
from unmask.base.errors import RequestError
from unmask.base.runtime import one_thread
from unmask.generation.answer import Finish
from unmask.generation.top import normalizers, top
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
        length_offset: added to the length, and the sum divided by what it is for one token; 5 is Wu et al.'s penalty.
        coverage: the weight of what a translation left unseen of its source, the beta of Wu et al.; 0 does not look.
    Raises:
        RequestError: if a value is out of its range.
    """

    beams: int = 4
    best: int = 1
    length_penalty: float = 1.0
    length_offset: float = 0.0
    coverage: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "beams": (1, WIDEST),
            "best": (1, self.beams),
            "length_penalty": (-STEEPEST, STEEPEST),
            "length_offset": (0.0, 1000.0),
            "coverage": (0.0, 100.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise RequestError(
                    "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=low, high=high
                )

    def score(self, path: Path) -> float:
        """What ended paths are ordered by. Source: Wu et al. 2016, equation 14."""
        return self.promise(path) + self.coverage * path.unseen

    def promise(self, path: Path) -> float:
        """The score of a path that is still written, if it saw all of its source in the end."""
        length = (self.length_offset + len(path.tokens)) / (self.length_offset + 1)
        return float(path.logprob / length**self.length_penalty)


@dataclass(frozen=True)
class Rules:
    """What an answer may be made of.

    Args:
        room: the most tokens of an answer.
        ends: ids that end an answer.
        vocab: only ids below it are written.
        never: ids that are not written either.
        forced: the id that takes the last place of an answer which has not ended before, whatever the model expects.
    """

    room: int
    ends: frozenset[int]
    vocab: int
    never: tuple[int, ...] = ()
    forced: int | None = None


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
    """What a search asks of a model: anything that foresees a row's next token and remembers the row.

    The rows of a text stand together, and all texts have as many.
    """

    def step(self, tokens: Tensor) -> Tensor:
        """Logits [R, V] of what follows tokens [R, T], which themselves follow all that was given before; they are
        the caller's to change."""
        ...

    def reorder(self, rows: Tensor) -> None:
        """Let row i become what row rows[i] was; there are then as many rows as `rows` [R] names."""
        ...

    def unseen(self) -> Tensor | None:
        """What each row's answer, the token that comes next included, left unseen of its source: [R], 0 is nothing and
        more is less than 0. None where no search asks. Source: Wu et al. 2016, equation 14, cp without beta."""
        ...

    def keep(self, texts: Tensor) -> None:
        """Go on with these texts [M] alone; `reorder`, which comes next, says which rows are theirs."""
        ...


@dataclass(frozen=True)
class Path:
    """Tokens that were tried one after the other, and the row that holds all but the last of them."""

    tokens: tuple[int, ...]
    logprob: float
    row: int
    unseen: float = 0.0
    """See Steps.unseen."""


@dataclass
class Beam:
    """The paths of one text: those still written, the likeliest first, and those that ended, the best first.

    It is done when as many have ended as there are beams, and the likeliest of those still written, were it to end
    where it is, would come after them all (what transformers calls early_stopping=False).
    """

    running: list[Path]
    ended: list[Path] = field(default_factory=list)

    def advance(self, grown: Sequence[Path], wanted: Search, rules: Rules) -> None:
        """Go on with the likeliest of all ways to go on, best first."""
        length = len(grown[0].tokens)
        last = length == rules.room

        closed = [path for path in grown[: wanted.beams] if last or path.tokens[-1] in rules.ends]
        self.ended = sorted([*self.ended, *closed], key=wanted.score, reverse=True)[: wanted.beams]
        self.running = [] if last else [path for path in grown if path.tokens[-1] not in rules.ends][: wanted.beams]
        full = self.running and len(self.ended) == wanted.beams
        if full and wanted.promise(self.running[0]) <= wanted.score(self.ended[-1]):
            self.running = []

    def rows(self, count: int) -> list[Path]:
        """As many paths as there are to be rows: where there are fewer, impossible ones follow."""
        first = self.running[0]
        return self.running + [Path(first.tokens, -math.inf, first.row)] * (count - len(self.running))


@torch.inference_mode()
@memory_kept()
def beam_search(steps: Steps, prompts: Tensor, wanted: Search, rules: Rules) -> list[list[Path]]:
    """The paths from each prompt [M, T] that ended or have no more room, the best first, at most `beams` a prompt."""
    tokens, rows = prompts, [Path((), 0.0, row) for row in range(len(prompts))]
    beams = [Beam([row]) for row in rows]
    writing = beams
    while True:
        logits, unseen = steps.step(tokens), steps.unseen()
        # Little work, and torch's other threads, once woken, keep processors busy that the next step wants.
        with one_thread():
            grown = likeliest(logits, rows, texts=len(writing), wanted=wanted, rules=rules)
        if unseen is not None:
            left = unseen.tolist()
            grown = [[replace(path, unseen=left[path.row]) for path in paths] for paths in grown]
        for beam, paths in zip(writing, grown, strict=True):
            beam.advance(paths, wanted, rules)
        going = [number for number, beam in enumerate(writing) if beam.running]
        if not going:
            return [beam.ended for beam in beams]
        if len(going) < len(writing):
            steps.keep(torch.tensor(going, device=prompts.device))
        writing = [writing[number] for number in going]
        rows = [path for beam in writing for path in beam.rows(wanted.beams)]
        steps.reorder(torch.tensor([path.row for path in rows], device=prompts.device))
        tokens = torch.tensor([path.tokens[-1:] for path in rows], device=prompts.device)  # [R, 1]


def likeliest(logits: Tensor, rows: Sequence[Path], *, texts: int, wanted: Search, rules: Rules) -> list[list[Path]]:
    """The likeliest ways to go on with each text by one token, from logits [R, V] for its rows; best first.

    They are so many that enough of them do not end, unless there are fewer.
    """
    each = len(rows) // texts
    if rules.forced is not None and len(rows[0].tokens) + 1 == rules.room:
        forced = [Path((*path.tokens, rules.forced), path.logprob, row) for row, path in enumerate(rows)]
        return [possible(forced[first : first + each]) for first in range(0, len(rows), each)]
    logits = logits.float()
    off = normalizers(logits)  # [R]
    if rules.never:
        logits[:, list(rules.never)] = -torch.inf
    # Of one row no more are among a text's best, beside those that end it.
    best, ids = top(logits[:, : rules.vocab], min(wanted.beams + len(rules.ends), rules.vocab))  # [R, C]
    before = torch.tensor([path.logprob for path in rows], dtype=torch.float64, device=logits.device)
    # In double precision: a sum over thousands of tokens is compared with another that differs in one.
    totals = (before[:, None] + best.double() - off[:, None].double()).view(texts, -1)  # [M, K * C]
    best, places = totals.topk(min(wanted.beams * (1 + len(rules.ends)), totals.shape[1]))  # [M, N]
    tokens = ids.view(texts, -1).gather(1, places)
    at = places // ids.shape[1] + torch.arange(0, len(rows), each, device=logits.device)[:, None]
    found = zip(at.tolist(), tokens.tolist(), best.tolist(), strict=True)
    return [
        possible([Path((*rows[row].tokens, token), logprob, row) for row, token, logprob in zip(*text, strict=True)])
        for text in found
    ]


def possible(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if path.logprob > -math.inf]


def hypothesis(path: Path, wanted: Search, rules: Rules, tokenizer: Tokenizer) -> Hypothesis:
    """An ended path as it is handed out."""
    stopped = path.tokens[-1] in rules.ends
    tokens = path.tokens[:-1] if stopped else path.tokens
    return Hypothesis(
        text=tokenizer.decode(tokens),
        tokens=tokens,
        logprob=path.logprob,
        score=wanted.score(path),
        finish="stop" if stopped else "length",
    )
