"""How an engine is set up: how many rows, how large a step, and the room for what it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from unmask.base.errors import RequestError
from unmask.core.memory import free_memory
from unmask.core.transformer import Transformer
from unmask.engine.blocks import Blocks
from unmask.engine.runner import NativeRunner, Runner, TorchRunner, make_pages
from unmask.lowering.shortcut import Writing
from unmask.native.program import Pages

SIZE = 32
"""Slots of a block: rows share whole ones."""
MOST_BLOCKS = 1 << 20
LEAST_MEMORY = 96 << 20
"""Bytes for keys and values where nobody says how many, if a whole context takes no more."""


@dataclass(frozen=True)
class Settings:
    """How an engine works.

    Args:
        rows: most rows that are written at a time; more wait.
        budget: most tokens of a step, so that those who are being written to do not wait long for a long prompt.
        memory: bytes for keys and values; None takes 96 MB or one whole context, whichever is more, but at most half
            of what is free.
        cache: the numbers they are kept in: "int8", or "full" for the model's own (float16 for quantized models); None
            takes int8 where the native library keeps them.
        drafts: whether to guess at what comes next.
    """

    rows: int = 32
    budget: int = 256
    memory: int | None = None
    cache: Literal["int8", "full"] | None = None
    drafts: bool = True

    def __post_init__(self) -> None:
        for name, value, least in (("rows", self.rows, 1), ("budget", self.budget, self.rows)):
            if value < least:
                raise RequestError(
                    "{name} is {value}; it must be at least {least}.", name=name, value=value, least=least
                )


@dataclass(frozen=True, eq=False)
class Room:
    """Blocks, and the storage that they number."""

    blocks: Blocks
    pages: Pages

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.pages.keys, *self.pages.values))


def make_room(core: Transformer, settings: Settings) -> Room:
    """Room for what an engine remembers.

    Raises:
        RequestError: if the memory holds not even one block, or the model cannot keep such numbers.
    """
    dtype = kept_in(core, settings.cache)
    one = make_pages(core, blocks=1, size=SIZE, dtype=dtype)
    each = Room(Blocks(1, SIZE), one).bytes
    memory = settings.memory if settings.memory is not None else wanted_memory(core, each)
    count = min(memory // each, MOST_BLOCKS)
    if count < 1:
        raise RequestError(
            "{memory} bytes hold the keys and values of fewer than {tokens} tokens, the least. Give {least} bytes or "
            "more.",
            memory=memory,
            tokens=SIZE,
            least=each,
        )
    return Room(Blocks(count, SIZE), make_pages(core, blocks=count, size=SIZE, dtype=dtype))


def kept_in(core: Transformer, cache: Literal["int8", "full"] | None) -> torch.dtype:
    """The numbers for keys and values.

    Raises:
        RequestError: if the model cannot keep such numbers.
    """
    native = isinstance(core.shortcut, Writing)
    if cache == "int8" and not native:
        raise RequestError(
            "Only the native library keeps keys and values in int8, and this model runs in torch. Leave the cache as "
            "it is, or quantize the model."
        )
    return torch.int8 if native and cache != "full" else core.cache_dtype


def wanted_memory(core: Transformer, each: int) -> int:
    """Bytes for keys and values where nobody says how many; `each` block takes so many."""
    wanted = max(LEAST_MEMORY, -(-core.spec.context // SIZE) * each)
    free = free_memory(core.device)
    return wanted if free is None else max(each, min(wanted, free // 2))


def make_runner(core: Transformer, room: Room) -> Runner:
    """What computes a model's steps."""
    if isinstance(core.shortcut, Writing):
        return NativeRunner(core.shortcut, room.pages)
    return TorchRunner(core, room.pages)
