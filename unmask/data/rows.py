"""What making batches needs of a prepared corpus, and what names a way to make them."""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
Span = tuple[int, int]
"""Where something begins in the row of all tokens, and where what follows it does."""


class TokenRow(Protocol):
    """Documents' tokens in one long row, each document ended by the tokenizer's end id where it has one."""

    @property
    def fingerprint(self) -> str:
        """Changes if the tokens do."""
        ...

    @property
    def vocab(self) -> int:
        """One more than the largest id there may be."""
        ...

    @property
    def tokens(self) -> int:
        """How long the row is."""
        ...

    @property
    def documents(self) -> int:
        """How many there are."""
        ...

    @property
    def bounds(self) -> Ids:
        """Where each document begins in the row, and last where the row ends: [documents + 1]."""
        ...

    @property
    def sentences(self) -> Ids | None:
        """Where each sentence begins, and last where the row ends; None if that is not known."""
        ...

    def slice(self, begin: int, end: int) -> Ids:
        """The tokens from `begin` up to `end` of the row."""
        ...

    def heads(self, begin: int, end: int) -> Flags | None:
        """Whether each of those tokens begins a word; None if that is not known."""
        ...


def fingerprint(*parts: object) -> str:
    """A short name of some numbers and texts, the same on every machine."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
