"""One row being written: it chooses its tokens, knows when it has ended, and hands out its text as it becomes safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unmask.base.errors import ContextError, RequestError
from unmask.generation.sampling import Chooser, Sampling
from unmask.text.stream import StopStrings, TextStream
from unmask.text.tokenizer import Tokenizer

Finish = Literal["stop", "length"]
"""stop: the model or a stop string ended it; length: the limit or the context did."""


@dataclass(frozen=True)
class Order:
    """What is asked of one row.

    Args:
        prompt: ids, at least one.
        limit: most tokens of the answer; None fills the context.
        stop: strings that end the answer and are not shown.
    """

    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int | None = None
    stop: Sequence[str] = ()

    def room(self, context: int) -> int:
        """How many tokens the answer may have.

        Raises:
            ContextError: if the prompt leaves no room for one.
            RequestError: if the prompt is empty or the limit is not positive.
        """
        if not self.prompt:
            raise RequestError("The prompt is empty: there is nothing to continue. Give it at least one character.")
        if self.limit is not None and self.limit < 1:
            raise RequestError("The limit is {limit} tokens; it must be at least 1.", limit=self.limit)
        if len(self.prompt) >= context:
            raise ContextError(
                "The prompt has {tokens} tokens and the model's context holds {context}, answer included. "
                "Shorten the prompt by {excess} tokens or more.",
                tokens=len(self.prompt),
                context=context,
                excess=len(self.prompt) - context + 1,
            )
        room = context - len(self.prompt)
        return room if self.limit is None else min(self.limit, room)


class Answer:
    """The state of one row. `push` is called once a step until `finish` is set."""

    def __init__(self, order: Order, tokenizer: Tokenizer, *, context: int, vocab: int, device: torch.device) -> None:
        self.room = order.room(context)
        self.prompt = order.prompt
        self.ends = tokenizer.ends
        # Embeddings are often padded to a round number of rows; those past the vocabulary spell nothing.
        self.spelled = min(vocab, tokenizer.size)
        self.tokens: list[int] = []
        self.text = ""
        self.finish: Finish | None = None
        self.chooser = Chooser(order.sampling, torch.tensor(order.prompt, device=device), vocab=self.spelled)
        self.decoded = TextStream(tokenizer)
        self.shown = StopStrings(order.stop)

    def push(self, logits: Tensor) -> str:
        """Choose the next token from its logits [V]; the text that became safe to show by it."""
        token = int(self.chooser.choose(logits[: self.spelled]))
        if token in self.ends:
            return self.end("stop")
        self.tokens.append(token)
        safe, stopped = self.shown.push(self.decoded.push(token))
        self.text += safe
        if stopped:
            self.finish = "stop"
        elif len(self.tokens) == self.room:
            return safe + self.end("length")
        return safe

    def end(self, finish: Finish) -> str:
        """Close the row; the text that was held back, cut where a stop string begins."""
        rest, stopped = self.shown.push(self.decoded.flush())
        rest += "" if stopped else self.shown.flush()
        self.text += rest
        self.finish = "stop" if stopped else finish
        return rest
