"""From names on the command line to models that can be had: how each is loaded, and whether there is room for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from unmask.base.runtime import resolve_device, resolve_dtype
from unmask.checkpoints.hub import locate
from unmask.core.memory import free_memory
from unmask.families import build
from unmask.families.memory import plan
from unmask.families.open import Opened, open_checkpoint
from unmask.model import load
from unmask.server.shelf import Title, give_memory_back

if TYPE_CHECKING:
    from unmask.model import Model
    from unmask.server.host import Host

TOKENS = 1024
"""Of the row with which a model must fit into the memory; its cache takes what there is."""


@dataclass(frozen=True)
class Placement:
    """How models are held in memory, as the command line says it; what is fastest where it does not."""

    dtype: str | None = None
    device: str | None = None
    allow_pickle: bool = False
    quantize: str | None = None
    exact: bool = False
    """Whether the weights are not quantized, however slow that is."""

    def opened(self, name: str) -> Opened:
        return open_checkpoint(locate(name), allow_pickle=self.allow_pickle)

    def scheme(self, checkpoint: Opened) -> str | None:
        """What the weights are held in; None is exact."""
        if self.quantize is not None or self.exact or self.dtype is not None:
            return self.quantize
        return build.speed_format(checkpoint, resolve_device(self.device))

    def load(self, name: str) -> Model:
        """
        Raises:
            UnmaskError: as `unmask.load` does.
        """
        scheme = self.scheme(self.opened(name))
        model = load(name, dtype=self.dtype, device=self.device, allow_pickle=self.allow_pickle, quantize=scheme)
        give_memory_back()
        return model

    def need(self, name: str) -> int:
        """Bytes that it takes at most, from loading on."""
        checkpoint, device = self.opened(name), resolve_device(self.device)
        planned = plan(
            checkpoint,
            dtype=None if self.dtype is None else resolve_dtype(self.dtype),
            device=device,
            context=min(TOKENS, checkpoint.spec.context),
            users=1,
            runtime=0,
            quantize=self.scheme(checkpoint),
        )
        return planned.total

    def lacks(self, need: int) -> int:
        """Bytes by which the free memory is too small; 0 where nobody knows how much is free."""
        free = free_memory(resolve_device(self.device))
        return 0 if free is None else max(0, need - free)


def title(name: str, placement: Placement, host: Callable[[Model], Host]) -> Title:
    """A model to be loaded on demand. That it is there, and is one of ours, is found out now.

    Raises:
        UnmaskError: if the name leads to nothing, or to what we cannot read.
    """
    need = cache(placement.need)  # found out when it is loaded for the first time
    return Title(
        name,
        placement.opened(name).spec.context,
        lacks=lambda: placement.lacks(need(name)),
        load=lambda: host(placement.load(name)),
    )
