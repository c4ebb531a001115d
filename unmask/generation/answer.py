"""One row being written: it chooses its tokens, knows when it has ended, and hands out its text as it becomes safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unmask.base.errors import ContextError, RequestError
from unmask.generation.chances import Chance, chances
from unmask.generation.grammar import Constraint, Grammar
from unmask.generation.sampling import Chooser, Sampling
from unmask.text.stream import StopStrings, TextStream
from unmask.text.tokenizer import Tokenizer

Finish = Literal["stop", "length"]
"""stop: the model, a stop string or the grammar ended it; length: the limit or the context did."""


@dataclass(frozen=True)
class Order:
    """What is asked of one row.

    Args:
        prompt: ids, at least one.
        limit: most tokens of the answer; None fills the context. 0, nothing is written, is for `prompt_chances`.
        stop: strings that end the answer and are not shown.
        ends: ids that end the answer, beside the model's own.
        endless: never choose one of the model's own.
        least: choose no id that ends the answer before it has so many tokens.
        chances: tell each token's, and those of so many likeliest ones; None tells none.
        prompt_chances: the same for the prompt's tokens.
        grammar: what the answer must look like, and where it may end: `endless` and `least` do not count then.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int | None = None
    stop: Sequence[str] = ()
    ends: frozenset[int] = frozenset()
    endless: bool = False
    least: int = 0
    chances: int | None = None
    prompt_chances: int | None = None
    grammar: Grammar | None = None

    def room(self, context: int) -> int:
        """How many tokens the answer may have.

        Raises:
            ContextError: if the prompt leaves no room for one.
            RequestError: if the prompt is empty or the limit is not positive.
        """
        if not self.prompt:
            raise RequestError("The prompt is empty: there is nothing to continue. Give it at least one character.")
        fewest = 1 if self.prompt_chances is None else 0
        if self.limit is not None and self.limit < fewest:
            raise RequestError(
                "The limit is {limit} tokens; it must be at least {fewest}.", limit=self.limit, fewest=fewest
            )
        longest = context if self.limit == 0 else context - 1
        if len(self.prompt) > longest:
            raise ContextError(
                "The prompt has {tokens} tokens and the model's context holds {context}, answer included. "
                "Shorten the prompt by {excess} tokens or more.",
                tokens=len(self.prompt),
                context=context,
                excess=len(self.prompt) - longest,
            )
        room = context - len(self.prompt)
        return room if self.limit is None else min(self.limit, room)


@dataclass(frozen=True)
class Piece:
    """A part of an answer as it comes, one token's worth. The last one, and only it, has `finish`.

    Args:
        tokens: of the answer so far.
        id: the token that was just chosen; None where the model ended its answer, or nothing was to be written.
        chance: of that token, or of the one that ended the answer, where it was asked for.
        prompt_chances: of the prompt's tokens but the first, where they were asked for; with the first piece.
        reused: tokens of the prompt that did not have to be read again.
        waited: seconds until the row was let in.
    """

    text: str
    finish: Finish | None
    prompt_tokens: int
    tokens: int
    id: int | None = None
    chance: Chance | None = None
    prompt_chances: tuple[Chance, ...] = ()
    reused: int = 0
    waited: float = 0.0


class Answer:
    """The state of one row. `push` is called once a step until `finish` is set.

    Raises:
        ContextError, RequestError: as Order.room does, or if an id or the grammar cannot be.
    """

    def __init__(self, order: Order, tokenizer: Tokenizer, *, context: int, vocab: int, device: torch.device) -> None:
        self.room = order.room(context)
        self.order = order
        self.prompt = order.prompt
        # Embeddings are often padded to a round number of rows; those past the vocabulary spell nothing.
        self.spelled = min(vocab, tokenizer.size)
        self.ends = order.ends if order.endless else order.ends | tokenizer.ends
        self.never = torch.tensor(sorted(tokenizer.ends if order.endless else ()), dtype=torch.int64, device=device)
        self.tokens: list[int] = []
        self.text = ""
        self.finish: Finish | None = None if self.room else "length"
        self.chooser = Chooser(order.sampling, torch.tensor(order.prompt, device=device), vocab=self.spelled)
        self.constraint: Constraint | None = order.grammar.begin(tokenizer, self.spelled) if order.grammar else None
        self.decoded = TextStream(tokenizer)
        self.shown = StopStrings(order.stop)
        self.prompt_chances: tuple[Chance, ...] = ()
        """To be handed out with the first piece."""
        self.reused = 0
        self.waited = 0.0

    def push(self, logits: Tensor) -> Piece:
        """Choose the next token from its logits [V]."""
        row = logits[: self.spelled]
        token = int(self.chooser.choose(self.allowed(row)))
        best = self.order.chances
        chance = None if best is None else chances(row[None], [token], best=best)[0]
        if token in self.ends:
            return self.piece(self.end("stop"), chance=chance)
        self.tokens.append(token)
        if self.constraint is not None:
            self.constraint.advance(token)
        safe, stopped = self.shown.push(self.decoded.push(token))
        self.text += safe
        if stopped:
            self.finish = "stop"
        elif self.constraint is not None and self.constraint.ended:
            safe += self.end("stop")
        elif len(self.tokens) == self.room:
            safe += self.end("length")
        return self.piece(safe, token, chance)

    def allowed(self, row: Tensor) -> Tensor:
        """Logits [V] with what must not come next at minus infinity."""
        if self.constraint is not None:
            return self.constraint.allowed(row)
        never = self.never
        if len(self.tokens) < self.order.least:
            never = torch.tensor(sorted(self.ends.union(never.tolist())), device=row.device)
        return row.index_fill(0, never, float("-inf")) if len(never) else row

    def piece(self, text: str, token: int | None = None, chance: Chance | None = None) -> Piece:
        found, self.prompt_chances = self.prompt_chances, ()
        return Piece(
            text, self.finish, len(self.prompt), len(self.tokens), token, chance, found, self.reused, self.waited
        )

    def end(self, finish: Finish) -> str:
        """Close the row; the text that was held back, cut where a stop string begins."""
        rest, stopped = self.shown.push(self.decoded.flush())
        rest += "" if stopped else self.shown.flush()
        self.text += rest
        self.finish = "stop" if stopped else finish
        return rest
