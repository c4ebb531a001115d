"""Guesses at what comes next, from what was said before: an answer often repeats its prompt, or itself. No torch.

The model checks all guesses in one step, and only what it would have written itself is kept: the text is that without
guessing. Sources: Saxena 2023 (prompt lookup decoding); checking several tokens at once: Leviathan et al. 2023,
section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST = 3
"""Tokens that must have come before in the same order for a guess to be made."""
WIDTHS = (1, 3, 5)
"""Tokens that are guessed at a time: after a wrong guess, after a few right ones, after more. With the last one, these
are 2, 4 and 6 rows of a step; 2 cost hardly more than one, 6 about twice as much."""
PATIENCE = 2
"""Misses in a row after which guessing pauses, twice as long each time."""
LONGEST_PAUSE = 64


class Drafts:
    """One row's guesses: the tokens that followed the last few when these came last.

    How many are guessed follows how many were right: a wrong guess costs a share of a step.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens: list[int] = []
        self.ends: dict[tuple[int, ...], int] = {}
        """Some tokens in a row -> where they ended when they came last, but for the very end."""
        self.width = WIDTHS[0]
        self.missed = 0
        self.pause = 0
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        """Take note of what the row says next."""
        for token in tokens:
            if len(self.tokens) >= SHORTEST:
                self.ends[tuple(self.tokens[-SHORTEST:])] = len(self.tokens)
            self.tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """Tokens that may come next, at most so many (none, if that is not positive); often none."""
        if self.pause > 0:
            self.pause -= 1
            return []
        end = self.ends.get(tuple(self.tokens[-SHORTEST:]))
        return [] if end is None else self.tokens[end : end + max(0, min(most, self.width))]

    def judge(self, right: int) -> None:
        """So many of the last guesses were right."""
        self.width = next((width for width in WIDTHS if right < width), WIDTHS[-1])
        self.missed = 0 if right else self.missed + 1
        if self.missed >= PATIENCE:
            self.pause = min(LONGEST_PAUSE, 4 << self.missed)
