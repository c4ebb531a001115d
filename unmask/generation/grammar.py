"""What an answer must look like: a JSON schema, a regular expression, a choice among texts, or a grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from unmask.text.grammars import DEAD_END, Kind, unusable
from unmask.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher


class Constraint(Protocol):
    """One answer under its grammar, token by token."""

    ended: bool
    """Nothing more may follow."""

    def allowed(self, logits: Tensor) -> Tensor:
        """Logits [V] with what may not come next at minus infinity; an end is allowed where the answer may end.

        Raises:
            RequestError: if the answer has come to where the grammar is too complex, or the vocabulary has no token
                that goes on with it.
        """
        ...

    def advance(self, token: int) -> None:
        """Take note of the token that was chosen.

        Raises:
            RequestError: if it was not allowed.
        """
        ...


@dataclass(frozen=True)
class Grammar:
    """A form for answers, in one of the ways to write one.

    `choice` is a JSON list of texts; `json` is any JSON object and has no source; `lark` is in llguidance's dialect.
    """

    kind: Kind
    source: str

    def begin(self, tokenizer: Tokenizer, vocab: int) -> Constraint:
        """The form of one answer, from its beginning. What is costly is done once for a tokenizer, and for a grammar.

        Args:
            vocab: how many logits there are; those past the tokenizer's ids are never allowed.
        Raises:
            RequestError: if the source is wrong, asks too much, or nothing can match it.
            MissingExtra: if llguidance is not installed.
        """
        matcher = tokenizer.grammars.matcher(self.kind, self.source)
        return Matched(self.kind, matcher, min(vocab, tokenizer.size))


class Matched:
    """A constraint by llguidance: its state is that of a parser which has read the answer's tokens."""

    def __init__(self, kind: Kind, matcher: LLMatcher, vocab: int) -> None:
        self.kind = kind
        self.matcher = matcher
        self.vocab = vocab
        self.ended = False

    def allowed(self, logits: Tensor) -> Tensor:
        packed = np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8)
        self.check()
        bits = np.unpackbits(packed, count=len(logits), bitorder="little").view(np.bool_)
        bits[self.vocab :] = False
        if not bits.any():
            raise unusable(self.kind, DEAD_END)
        return torch.where(torch.from_numpy(bits).to(logits.device), logits, float("-inf"))

    def advance(self, token: int) -> None:
        self.matcher.consume_token(token)
        self.check()
        self.ended = self.matcher.is_stopped()

    def check(self) -> None:
        if self.matcher.is_error():
            raise unusable(self.kind, self.matcher.get_error())
