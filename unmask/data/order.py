"""The order in which an epoch visits things: each once, by chance, and computable from the epoch's number alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from unmask.base.streams import stream
from unmask.data.rows import Ids

Plan = TypeVar("Plan")


class Epochs(Generic[Plan]):
    """What each epoch plans beforehand; the last two plans are kept, as a batch may end one epoch and begin another."""

    def __init__(self, make: Callable[[int], Plan]) -> None:
        self.make = make
        self.made: dict[int, Plan] = {}

    def __getitem__(self, epoch: int) -> Plan:
        plan = self.made.get(epoch)
        if plan is None:
            plan = self.make(epoch)
            self.made = dict([*self.made.items()][-1:]) | {epoch: plan}
        return plan


class Order:
    """`count` things, at least one, visited again and again, in each epoch once and in another order."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.epochs = Epochs(self.shuffled)

    def shuffled(self, epoch: int) -> Ids:
        return stream(self.seed, "order", epoch).permutation(np.arange(self.count, dtype=np.int64))

    def place(self, sample: int) -> tuple[int, int]:
        """The epoch and the thing, from 0 to count - 1, that sample number `sample` of all is."""
        epoch, turn = divmod(sample, self.count)
        return epoch, int(self.epochs[epoch][turn])
