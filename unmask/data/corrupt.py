"""Tokens hidden from a model that has to say them: BERT's masks.

Source: BERT (Devlin et al. 2019), section 3.1, task 1, and appendix A.1. Whole words: the note on them in its release;
for Chinese, Cui et al. 2021, "Pre-Training with Whole Word Masking for Chinese BERT", section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmask.base.errors import DataError
from unmask.data.batch import IGNORED
from unmask.data.rows import Flags, Ids


@dataclass(frozen=True)
class Rates:
    """What share of the tokens is to be said, and how those stand in the text: the rest of them as they are."""

    chosen: float = 0.15
    masked: float = 0.8
    replaced: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.chosen <= 1 or min(self.masked, self.replaced) < 0 or self.masked + self.replaced > 1:
            raise DataError(
                "Masking {chosen} of the tokens, {masked} of those by the mask token and {replaced} by others, cannot "
                "be done: give a share above 0 and up to 1, and two that are together at most 1.",
                chosen=self.chosen,
                masked=self.masked,
                replaced=self.replaced,
            )


@dataclass(frozen=True, eq=False)
class Corruption:
    """How the rows of one vocabulary are corrupted.

    Args:
        mask: the id that hides a token.
        special: bool [V], the ids that are never hidden, nor put in another's place.
    """

    rates: Rates
    mask: int
    special: Flags

    def __call__(self, tokens: Ids, heads: Flags | None, random: np.random.Generator) -> tuple[Ids, Ids]:
        """A row [T] as the model shall see it, and the targets [T]. `heads` [T] hides words as a whole."""
        free = ~self.special[tokens]
        chosen = chosen_words(free, np.ones_like(free) if heads is None else heads, self.rates.chosen, random)
        places = chosen.nonzero()[0]
        seen, targets = tokens.copy(), np.full_like(tokens, IGNORED)
        targets[places] = tokens[places]
        drawn, others = random.random(len(places)), (~self.special).nonzero()[0]
        seen[places[drawn < self.rates.masked]] = self.mask
        replaced = places[(drawn >= self.rates.masked) & (drawn < self.rates.masked + self.rates.replaced)]
        seen[replaced] = others[random.integers(len(others), size=len(replaced))]
        return seen, targets


def chosen_words(free: Flags, heads: Flags, rate: float, random: np.random.Generator) -> Flags:
    """Which places [T] of a row are in words that were drawn: `rate` of the free places, and at least one word's.

    Words are laid end to end in a random order, and of each one point is looked at, in the same part of all: those are
    drawn whose point is in the first `rate` of the length. So long words are as likely as short ones, and the rate is
    right on the whole. A place that is not free belongs to no word, and ends one.
    """
    begins = heads | ~free
    words = begins.cumsum() - begins[0]
    sizes = np.bincount(words, weights=free)
    order = random.permutation(sizes.nonzero()[0])
    points = sizes[order].cumsum() - random.random() * sizes[order]
    drawn = np.zeros(len(sizes), dtype=np.bool_)
    drawn[order[: max(1, int(points.searchsorted(rate * free.sum(), side="right")))]] = True
    chosen: Flags = free & drawn[words]
    return chosen
