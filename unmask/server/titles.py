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
from unmask.families.files import read_json
from unmask.families.memory import plan
from unmask.families.open import Opened, open_checkpoint
from unmask.families.open_seq2seq import Opened as OpenedPair
from unmask.families.open_seq2seq import open_seq2seq
from unmask.families.rehearsal import META, pair_need
from unmask.families.translators import LAYOUTS
from unmask.model import load
from unmask.server.shelf import Title, give_memory_back
from unmask.translator import BEAMS, load_translator

if TYPE_CHECKING:
    from unmask.server.host import Host, Served

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

    def opened(self, name: str) -> Opened | OpenedPair:
        path = locate(name)
        if path.is_dir() and read_json(path / "config.json").get("model_type") in LAYOUTS:
            return open_seq2seq(path, allow_pickle=self.allow_pickle)
        return open_checkpoint(path, allow_pickle=self.allow_pickle)

    def scheme(self, checkpoint: Opened | OpenedPair) -> str | None:
        """What the weights are held in; None is exact."""
        if self.quantize is not None or self.exact or self.dtype is not None:
            return self.quantize
        return build.speed_format(checkpoint, resolve_device(self.device))

    def load(self, name: str) -> Served:
        """
        Raises:
            UnmaskError: as `unmask.load` and `unmask.load_translator` do.
        """
        checkpoint = self.opened(name)
        read = load if isinstance(checkpoint, Opened) else load_translator
        made = read(
            name,
            dtype=self.dtype,
            device=self.device,
            allow_pickle=self.allow_pickle,
            quantize=self.scheme(checkpoint),
        )
        give_memory_back()
        return made

    def need(self, name: str) -> int:
        """Bytes that it takes at most, from loading on."""
        checkpoint, device = self.opened(name), resolve_device(self.device)
        dtype, scheme = None if self.dtype is None else resolve_dtype(self.dtype), self.scheme(checkpoint)
        if not isinstance(checkpoint, Opened):
            return pair_need(checkpoint, dtype=dtype, quantize=scheme, tokens=TOKENS, rows=BEAMS.beams)
        planned = plan(
            checkpoint,
            dtype=dtype,
            device=device,
            context=min(TOKENS, checkpoint.spec.context),
            users=1,
            runtime=0,
            quantize=scheme,
        )
        return planned.total

    def lacks(self, need: int) -> int:
        """Bytes by which the free memory is too small; 0 where nobody knows how much is free."""
        free = free_memory(resolve_device(self.device))
        return 0 if free is None else max(0, need - free)


def title(name: str, placement: Placement, host: Callable[[Served], Host]) -> Title:
    """A model to be loaded on demand. That it is there, and is one of ours, is found out now.

    Raises:
        UnmaskError: if the name leads to nothing, or to what we cannot read.
    """
    need = cache(placement.need)  # found out when it is loaded for the first time
    return Title(
        name,
        longest(placement.opened(name)),
        lacks=lambda: placement.lacks(need(name)),
        load=lambda: host(placement.load(name)),
    )


def longest(checkpoint: Opened | OpenedPair) -> int:
    """The most tokens of a row."""
    if isinstance(checkpoint, Opened):
        return checkpoint.spec.context
    with META:
        return checkpoint.spec.build().context
