"""Several processes that each hold a part of every weight, of its gradient and of its moments: torch's FSDP2.

A block's weights are gathered when it is due and let go after it, so that no process ever holds the whole model.
Source: Zhao et al. 2023, PyTorch FSDP, arXiv 2304.11277, section 3; Rajbhandari et al. 2020 (ZeRO), section 5.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from unmask.core.block import Block
from unmask.training.distributed import Together
from unmask.training.state import Piece


class Sharded(Together):
    """Each process holds its rows of every weight: of R rows among P processes, ceil(R / P) each, as long as they last.

    Gradients are summed in float32, whatever the model computes in.
    """

    sharded = True

    def wrap(self, trainee: nn.Module, dtype: torch.dtype) -> nn.Module:
        """A copy in parts. torch cannot undo it, so the model itself stays as it is, but gives up its weights."""
        self.given = trainee
        parts = copy.deepcopy(trainee)
        for weight in parts.parameters():
            dist.broadcast(weight.detach(), 0)  # all begin with the first one's, as DistributedDataParallel has it
        for weight in trainee.parameters():
            weight.data = weight.data.new_empty(0)
        mesh = init_device_mesh(next(parts.parameters()).device.type, (self.count,))
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False)
        for block in [each for each in parts.modules() if isinstance(each, Block)]:
            fully_shard(block, mesh=mesh, mp_policy=policy)
        # Embedding and head, which may be one weight, are together in what is left.
        whole = fully_shard(parts, mesh=mesh, mp_policy=policy)
        whole.set_reduce_scatter_unused_params(True)  # another process's rows may ask for what these do not
        return cast(nn.Module, whole)

    @torch.no_grad()
    def unwrap(self, wrapped: nn.Module, weights: Mapping[str, Tensor]) -> None:
        for each in sharded(wrapped):
            each.reshard()
        model, parts = self.given.get_submodule("model"), dict(wrapped.get_submodule("model").named_parameters())
        for name, weight in model.named_parameters():
            part = weights.get(name, parts[name])
            weight.data = cast(DTensor, part).full_tensor().float()

    def micro(self, wrapped: nn.Module, *, last: bool) -> None:
        whole = cast(FSDPModule, wrapped)
        # After a look at other data the outermost weights are still gathered, and may by now be others.
        whole.reshard()
        whole.set_requires_gradient_sync(last)

    def piece(self, tensor: Tensor) -> Piece | None:
        here, begin = self.rows_of(tensor)
        return Piece(here, begin, tuple(tensor.shape)) if len(here) else None

    def rows_of(self, tensor: Tensor) -> tuple[Tensor, int]:
        each = -(-len(tensor) // self.count)
        return cast(DTensor, tensor).to_local(), min(len(tensor), self.rank * each)


def sharded(module: nn.Module) -> Iterator[FSDPModule]:
    return (each for each in module.modules() if isinstance(each, FSDPModule))
