"""Who computes what in the next step: a plan is {row: number of tokens}. Plain Python, no torch.

A row that is being written wants one token a step, and those of its draft; one whose prompt is being read wants the
rest of it, as much as fits into the step. Rows come in the order they were asked for; prompts that are being read take
turns, so that a long one delays the short ones by its share only. Where blocks run out, the youngest row gives its own
back and is read again later.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from unmask.engine.blocks import Blocks
from unmask.engine.drafts import Drafts

Plan = dict["Row", int]
"""How many tokens of each row are computed, from `done` on; those of its draft come after its last."""


@dataclass(eq=False)
class Row:
    """One row as the scheduler sees it.

    Args:
        tokens: its prompt, then what was written.
        asked: tokens of its prompt.
        most: tokens it may have in the end.
        whole: whether its prompt must be read from the beginning, whatever is remembered.
        drafts: guesses at what comes next; None makes none.
    """

    tokens: list[int]
    asked: int
    most: int
    whole: bool = False
    drafts: Drafts | None = None
    read: int = 0
    """Tokens that are read as a prompt: all there were when it was let in."""
    done: int = 0
    """Tokens that are remembered in its blocks."""
    reused: int = 0
    """Of these, tokens that had been remembered before it came."""
    blocks: list[int] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        """Whether its prompt has been read."""
        return 0 < self.read <= self.done


class Scheduler:
    """Plans steps of at most `budget` tokens, for at most `most` rows at a time."""

    def __init__(self, blocks: Blocks, *, budget: int, most: int) -> None:
        self.blocks = blocks
        self.budget = budget
        self.most = most
        self.waiting: deque[Row] = deque()
        self.running: list[Row] = []
        """In the order in which they were let in."""
        self.reading: list[Row] = []
        """Of these, the ones whose prompt is being read, in the order in which they come."""
        self.preemptions = 0

    def add(self, row: Row) -> None:
        self.waiting.append(row)

    def remove(self, row: Row) -> None:
        """A row has ended; its blocks are free."""
        if row in self.running:
            self.running.remove(row)
            self.reading = [each for each in self.reading if each is not row]
            self.release(row)
        elif row in self.waiting:
            self.waiting.remove(row)

    def release(self, row: Row) -> None:
        self.blocks.give_back(row.blocks)
        row.blocks, row.draft, row.read, row.done = [], [], 0, 0

    def plan(self) -> Plan:
        """What the next step computes; empty when nobody is there."""
        planned: Plan = {}
        for row in [each for each in self.running if each.writes]:
            if row in self.running and self.make_room(row):
                planned[row] = 1 + len(row.draft)
        # A row that had to give way may have been planned before.
        planned = {row: count for row, count in planned.items() if row in self.running}
        self.admit()
        self.share(planned)
        return planned

    def make_room(self, row: Row) -> bool:
        """Blocks for a row's next token and its draft; the youngest rows give way. False if it must give way itself."""
        row.draft = self.guesses(row)
        while (lacking := self.lacking(row, 1 + len(row.draft))) > self.blocks.available:
            if row.draft:
                row.draft = []
                continue
            youngest = self.running[-1]
            self.remove(youngest)
            self.waiting.appendleft(youngest)
            self.preemptions += 1
            if youngest is row:
                return False
        row.blocks += self.blocks.take(lacking)
        return True

    def guesses(self, row: Row) -> list[int]:
        """A wrong guess delays all rows, so that only a few make some."""
        if row.drafts is None or len(self.running) > FEW:
            return []
        return row.drafts.guess(most=min(self.budget // FEW, row.most - len(row.tokens)) - 1)

    def lacking(self, row: Row, count: int) -> int:
        return max(0, self.blocks.wanted(row.done + count) - len(row.blocks))

    def admit(self) -> None:
        """Let rows in, as long as there is room for their prompts."""
        while self.waiting and len(self.running) < self.most:
            row = self.waiting[0]
            # Its last token is computed in any case: the first logits are wanted.
            row.blocks = [] if row.whole else self.blocks.shared(row.tokens[:-1])
            row.done = len(row.blocks) * self.blocks.size
            lacking = self.lacking(row, len(row.tokens) - row.done)
            if lacking > self.blocks.available or (not row.whole and self.soon_known(row)):
                self.release(row)
                return
            row.reused, row.read = row.done, len(row.tokens)
            row.blocks += self.blocks.take(lacking)
            self.running.append(self.waiting.popleft())
            self.reading.append(row)

    def soon_known(self, row: Row) -> bool:
        """Whether a row's next block is just being computed by another: then it waits, and shares it."""
        end = row.done + self.blocks.size
        return end < len(row.tokens) and any(
            not each.writes and each.done < end and each.tokens[:end] == row.tokens[:end] for each in self.running
        )

    def share(self, planned: Plan) -> None:
        """Share out what is left of the step among prompts. One that had most of it and is not done goes to the end."""
        left = self.budget - sum(planned.values())
        self.reading = [row for row in self.reading if not row.writes]
        for row in list(self.reading):
            rest = len(row.tokens) - row.done
            # What was written before a row gave way is read apart from its prompt, as it was written.
            count = min(left, row.asked - row.done if row.done < row.asked else rest)
            if count > 0:
                planned[row] = count
                left -= count
            if self.budget // 2 < count < rest:
                self.reading.remove(row)
                self.reading.append(row)

    def record(self, row: Row, computed: int) -> None:
        """So many more of a row's tokens are remembered; blocks that are full now are learnt."""
        size = self.blocks.size
        before = row.done // size
        row.done += computed
        for full in range(before + 1, row.done // size + 1):
            self.blocks.learn(row.blocks[:full], row.tokens[(full - 1) * size : full * size])


FEW = 4
"""Rows at a time that make drafts."""
