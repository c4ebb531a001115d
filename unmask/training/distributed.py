"""Several processes that train one model: how they find one another, and data parallel.

`torchrun` starts them; `processes` reads what it tells each. Sharded weights are in `unmask.training.sharded`.
Source: Li et al. 2020, PyTorch Distributed, arXiv 2006.15704, sections 3.2 and 3.3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from unmask.base.errors import TrainingError
from unmask.training.processes import Alone, Processes
from unmask.training.state import Piece

KINDS = ("data", "sharded")
PATIENCE = timedelta(days=1)
"""For what one process does alone: preparing a corpus, writing a checkpoint. One that dies is noticed at once."""
GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process exited")
"""What torch says where another process is no more; it has no error of its own for that."""


@contextmanager
def processes(kind: str = "data") -> Iterator[Processes]:
    """Those that torchrun started together with this one; without torchrun, this one alone.

    Args:
        kind: "data", each holds the whole model; "sharded", each holds its part of every weight, for models that are
            too large for that.
    Raises:
        TrainingError: if there is no such kind, or, from inside, another process ended before its time.
    """
    if kind not in KINDS:
        raise TrainingError(
            "Unknown way to share a run {kind!r}; known are {known}.", kind=kind, known=", ".join(KINDS)
        )
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Alone()
        return
    place = int(os.environ["LOCAL_RANK"])
    if place < torch.cuda.device_count():
        torch.cuda.set_device(place)
    dist.init_process_group()
    try:
        yield made(kind)
    except RuntimeError as error:
        if not any(each in str(error) for each in GONE):
            raise
        raise TrainingError(
            "Another process of this run ended before its time; see its message. The same command goes on from the "
            "last checkpoint."
        ) from error
    dist.destroy_process_group()


def made(kind: str) -> Processes:
    from unmask.training.sharded import Sharded

    return Replicated() if kind == "data" else Sharded()


class Together:
    """What several processes do whichever way they share a model."""

    def __init__(self) -> None:
        self.rank, self.count = dist.get_rank(), dist.get_world_size()
        self.numbers = dist.new_group(backend="gloo", timeout=PATIENCE)

    def summed(self, values: Sequence[float]) -> list[float]:
        sums = torch.tensor([float(each) for each in values], dtype=torch.float64)
        dist.all_reduce(sums, group=self.numbers)
        return sums.tolist()


class Replicated(Together):
    """Each process holds the whole model, and the mean of all gradients: torch's DistributedDataParallel."""

    sharded = False

    def wrap(self, trainee: nn.Module, dtype: torch.dtype) -> nn.Module:
        # What a step does not use is looked for in each: another process's rows may ask for what these do not. It also
        # keeps torch from cutting its buckets anew after the first step, by which a resumed run would round otherwise.
        return DistributedDataParallel(trainee.to(dtype), find_unused_parameters=True, gradient_as_bucket_view=True)

    def unwrap(self, wrapped: nn.Module, weights: Mapping[str, Tensor]) -> None:
        Alone().unwrap(cast(nn.Module, wrapped.module), weights)

    def micro(self, wrapped: nn.Module, *, last: bool) -> None:
        """bfloat16 gradients are gathered each time: they go on to float32 before the next are added."""
        at_once = next(wrapped.parameters()).dtype == torch.bfloat16
        wrapped.require_backward_grad_sync = last or at_once  # type: ignore[assignment]  # as no_sync() does

    def piece(self, tensor: Tensor) -> Piece | None:
        return Piece(tensor, 0, tuple(tensor.shape)) if self.rank == 0 else None

    def rows_of(self, tensor: Tensor) -> tuple[Tensor, int]:
        return tensor, 0
