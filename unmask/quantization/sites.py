"""Where a block multiplies with weights, what goes in there, and what before it can be scaled in exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unmask.core.block import Block
from unmask.core.feedforward import Gated
from unmask.core.residual import Pre


@dataclass(frozen=True, eq=False)
class Site:
    """Linears that read the same vectors [C].

    Args:
        source: the part whose output they read, each channel times something that no other depends on; None where
            there is no such part, or the residual stream reads it too.
        channels: [C], which of the source's channels each of theirs is.
    """

    readers: tuple[nn.Linear, ...]
    source: nn.Module | None
    channels: Tensor

    def fold(self, factors: Tensor) -> None:
        """Multiply the readers' columns by factors [channels of the source], and divide the source's output by them."""
        assert self.source is not None
        for part in self.source.parameters(recurse=False):
            part.data.div_(factors.view(-1, *[1] * (part.dim() - 1)))
        for reader in self.readers:
            reader.weight.data.mul_(factors[self.channels])


@dataclass
class Inputs:
    """What was seen at a site, summed over `count` vectors [C]."""

    second: Tensor
    """Products of each two channels: [C, C]."""
    size: Tensor
    """Absolute values: [C]."""
    count: int = 0

    def add(self, x: Tensor) -> None:
        rows = x.detach().flatten(0, -2).float()
        self.second.addmm_(rows.T, rows)
        self.size += rows.abs().sum(0)
        self.count += len(rows)


def sites(block: Block) -> list[Site]:
    """All of a block's Linears, each at its site."""
    attention, feedforward, spec = block.attention, block.feedforward, block.spec.attention
    values = torch.arange(spec.kv_heads * spec.head_width).view(spec.kv_heads, 1, spec.head_width)
    mixed = values.expand(-1, spec.heads // spec.kv_heads, -1).flatten()
    gated = isinstance(feedforward, Gated)
    first = (feedforward.gate, feedforward.up) if isinstance(feedforward, Gated) else (feedforward.up,)
    # After a norm that follows the sum, the stream itself goes on, and must not be scaled.
    before = isinstance(block.spec.residual, Pre)
    return [
        whole((attention.query, attention.key, attention.value), block.attention_norm if before else None),
        Site((attention.out,), attention.value, mixed.to(attention.value.weight.device)),
        whole(first, block.feedforward_norm if before else None),
        whole((feedforward.down,), feedforward.up if gated else None),
    ]


def whole(readers: tuple[nn.Linear, ...], source: nn.Module | None) -> Site:
    weight = readers[0].weight
    return Site(readers, source, torch.arange(weight.shape[1], device=weight.device))


def watch(places: Sequence[Site], run: Callable[[], object]) -> dict[Site, Inputs]:
    """What goes into each site while `run` runs."""
    seen = {}
    with ExitStack() as hooks:
        for site in places:
            weight = site.readers[0].weight
            seen[site] = Inputs(weight.new_zeros(2 * weight.shape[1:]), weight.new_zeros(weight.shape[1:]))
            hooks.callback(site.readers[0].register_forward_pre_hook(hook(seen[site])).remove)
        run()
    return seen


def hook(inputs: Inputs) -> Callable[[nn.Module, Any], None]:
    def note(_: nn.Module, given: tuple[Tensor]) -> None:
        inputs.add(given[0])

    return note
