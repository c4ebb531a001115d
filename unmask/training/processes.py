"""Who trains: this process alone, or several that share the rows of each step.

The loop asks no more than this. `unmask.training.distributed` has the forms with several processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from unmask.base.errors import TrainingError, UnmaskError
from unmask.training.state import Piece


class Processes(Protocol):
    """What the loop needs to know of the other processes."""

    rank: int
    count: int
    sharded: bool
    """Whether each holds only a part of the weights: then the model runs in all at once or not at all."""

    def wrap(self, trainee: nn.Module, dtype: torch.dtype) -> nn.Module:
        """The module to call, so that gradients come out as the mean over all processes. What learns is inside: the
        trainee itself, or a copy of which each process holds a part."""
        ...

    def unwrap(self, wrapped: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Make the model that was wrapped whole again, float32, with these weights (by its own names)."""
        ...

    def micro(self, wrapped: nn.Module, *, last: bool) -> None:
        """Told before each forward of a step: whether it is the step's last, whose backward gathers the gradients."""
        ...

    def summed(self, values: Sequence[float]) -> list[float]:
        """Each of the values, summed over all processes; float64."""
        ...

    def piece(self, tensor: Tensor) -> Piece | None:
        """What this process is to save of a tensor; None where another one does."""
        ...

    def rows_of(self, tensor: Tensor) -> tuple[Tensor, int]:
        """The part of a tensor that lies here, to be written into, and the row of the whole that it begins with."""
        ...


class Alone:
    """One process."""

    rank = 0
    count = 1
    sharded = False

    def wrap(self, trainee: nn.Module, dtype: torch.dtype) -> nn.Module:
        """Give the model the numbers to compute in."""
        return trainee.to(dtype)

    def unwrap(self, wrapped: nn.Module, weights: Mapping[str, Tensor]) -> None:
        model = wrapped.float().get_submodule("model")
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name in weights:
                    weight.copy_(weights[name])

    def micro(self, wrapped: nn.Module, *, last: bool) -> None:
        """Nobody to be told."""

    def summed(self, values: Sequence[float]) -> list[float]:
        return [float(each) for each in values]

    def piece(self, tensor: Tensor) -> Piece | None:
        return Piece(tensor, 0, tuple(tensor.shape))

    def rows_of(self, tensor: Tensor) -> tuple[Tensor, int]:
        return tensor, 0


def together(processes: Processes, act: Callable[[], None], *, first: bool = False) -> None:
    """Let every process act, or the first alone; if one fails, all do, so that none waits for another for ever.

    Raises:
        UnmaskError: where it happened.
        TrainingError: in the others.
    """
    error: UnmaskError | None = None
    if processes.rank == 0 or not first:
        try:
            act()
        except UnmaskError as found:
            error = found
    failed = any(processes.summed([error is not None]))
    if error is not None:
        raise error
    if failed:
        raise TrainingError("Another process of this run could not go on; see its message.")
