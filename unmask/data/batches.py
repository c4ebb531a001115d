"""Where the loop's batches come from."""

from __future__ import annotations

from typing import Protocol

from unmask.data.batch import Batch


class Batches(Protocol):
    """Every batch there will be, each a pure function of its step: stopping loses nothing."""

    rows: int
    """Rows of a step, those of all processes together."""
    fingerprint: str
    """Changes if the data or how it is cut does: training does not resume on other data unnoticed."""

    def batch(self, step: int, rows: range) -> Batch:
        """The given rows, each within 0..self.rows, of optimizer step `step`, which counts from 0."""
        ...
