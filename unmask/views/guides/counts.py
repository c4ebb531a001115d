"""A language model that only counts: what followed the last two words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ORDER = 3
"""A trigram: two words, and the one that follows. Source: Jurafsky and Martin, chapter 3, section 3.1."""


@dataclass(frozen=True)
class Counts:
    """How often each two words occurred with something after them, and with each word after them."""

    contexts: Counter[tuple[str, ...]]
    runs: Counter[tuple[str, ...]]

    def seen(self, words: Sequence[str]) -> int:
        """How often something followed the last two of these words."""
        return self.contexts[tuple(words[-ORDER + 1 :])]

    def probability(self, words: Sequence[str], following: str) -> float | None:
        """The share of times that `following` did; None if these two words never stood there, which leaves 0 of 0."""
        context = tuple(words[-ORDER + 1 :])
        return self.runs[(*context, following)] / self.contexts[context] if self.contexts[context] else None


def counted(words: Sequence[str]) -> Counts:
    """Count a whole text."""
    runs = Counter(zip(*(words[at:] for at in range(ORDER)), strict=False))
    contexts: Counter[tuple[str, ...]] = Counter()
    for run, times in runs.items():
        contexts[run[:-1]] += times
    return Counts(contexts, runs)
