"""The cache's blocks: which are free, which are shared, and which hold a beginning that may come again. No torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

Beginning = tuple[int, tuple[int, ...]]
"""What a block holds: the number of what comes before it (0: nothing), and its own tokens."""


class Blocks:
    """Hands out `count` blocks of `size` slots each.

    A full block can be learnt: rows that begin alike then share it, also after the one that filled it has gone. It is
    kept until its room is wanted, the longest unused one going first. Beginnings are compared token by token, not by
    a hash, so that nobody is ever given what another's tokens led to.
    """

    def __init__(self, count: int, size: int) -> None:
        self.count = count
        self.size = size
        self.free = list(range(count - 1, -1, -1))
        self.holders = [0] * count
        self.kept: OrderedDict[int, None] = OrderedDict()
        """Learnt blocks that no row holds, the longest unused one first."""
        self.known: dict[Beginning, int] = {}
        self.beginnings: dict[int, Beginning] = {}
        self.numbers: dict[int, int] = {}
        """Of learnt blocks; each learning has its own, so that what followed a forgotten block is never found again."""
        self.learnt = 0

    @property
    def available(self) -> int:
        """How many can be taken."""
        return len(self.free) + len(self.kept)

    def wanted(self, slots: int) -> int:
        """How many blocks so many slots want."""
        return -(-slots // self.size)

    def take(self, count: int) -> list[int]:
        """Blocks for a row to write into; there must be so many available."""
        assert count <= self.available, f"{count} of {self.available}"
        taken = [self.free.pop() if self.free else self.forget() for _ in range(count)]
        for block in taken:
            self.holders[block] = 1
        return taken

    def forget(self) -> int:
        """Make the longest unused learnt block a block like any other."""
        block, _ = self.kept.popitem(last=False)
        del self.known[self.beginnings.pop(block)], self.numbers[block]
        return block

    def shared(self, tokens: Sequence[int]) -> list[int]:
        """Blocks that hold the longest learnt beginning of `tokens`; they are the row's too from now on."""
        found: list[int] = []
        number = 0
        for end in range(self.size, len(tokens) + 1, self.size):
            block = self.known.get((number, tuple(tokens[end - self.size : end])))
            if block is None:
                break
            found.append(block)
            number = self.numbers[block]
        for block in found:
            self.holders[block] += 1
            self.kept.pop(block, None)
        return found

    def learn(self, blocks: Sequence[int], tokens: Sequence[int]) -> None:
        """Remember what the last of a row's `blocks`, all full, holds; `tokens` are its own.

        Where another block holds the same already, or what comes before is not learnt, nothing is.
        """
        number = self.numbers.get(blocks[-2]) if len(blocks) > 1 else 0
        if number is None or blocks[-1] in self.numbers:
            return
        beginning = (number, tuple(tokens))
        if beginning not in self.known:
            self.learnt += 1
            self.known[beginning], self.beginnings[blocks[-1]] = blocks[-1], beginning
            self.numbers[blocks[-1]] = self.learnt

    def give_back(self, blocks: Sequence[int]) -> None:
        """A row lets go of its blocks, in their order; the last ones will be forgotten first."""
        for block in reversed(blocks):
            self.holders[block] -= 1
            if self.holders[block]:
                continue
            if block in self.numbers:
                self.kept[block] = None
            else:
                self.free.append(block)
