"""A model as a list of operations, run by the library: all of them for a token, or for many, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass, field, fields
from typing import ClassVar

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.native.library import Call, Flag, Kind, Library, Operation, address, addresses, pointer
from unmask.native.matrix import FloatMatrix, Matrix

FEW, MANY, ROOM = 64, 512, 1 << 24
"""Tokens that a call reads at a time, and the bytes that buffers may take for them: what is between two operations then
stays near the processor, and a large model can be stopped between two calls."""


def rows_for(widths: Sequence[int]) -> int:
    """How many rows a model with buffers of these widths reads at a time."""
    return max(FEW, min(MANY, ROOM // (4 * sum(widths))))


@dataclass(frozen=True)
class Rounding:
    """How rows are rounded for the products that follow: in groups, to 8 bits, and a few numbers of `fine` rows to 16.

    A group of 0: not at all.
    """

    group: int
    fine: bool = False


NONE = Rounding(0)


@dataclass(frozen=True)
class Heads:
    """Whose heads an operation works on: those of a layer, of which `kv_heads` are for keys and values."""

    layer: int
    heads: int
    kv_heads: int
    head_width: int


@dataclass(frozen=True, eq=False)
class Step:
    """One operation on numbered buffers; interface.h tells what each kind reads of it."""

    kind: Kind
    source: int = 0
    beside: int = -1
    target: int = 0
    flags: Flag = Flag.NONE
    heads: Heads | None = None
    window: int = 0
    function: int = 0
    values: int = 0
    round: Rounding = NONE
    offset: int = 0
    number: float = 0.0
    matrix: Matrix | FloatMatrix | None = None
    weight: Tensor | None = None
    bias: Tensor | None = None
    cosines: Tensor | None = None
    sines: Tensor | None = None

    TENSORS: ClassVar[tuple[str, ...]] = ("weight", "bias", "cosines", "sines")
    NUMBERS: ClassVar[tuple[str, ...]] = (
        *("kind", "source", "beside", "target"),
        *("window", "function", "values", "offset", "number"),
    )

    def __post_init__(self) -> None:
        for name in self.TENSORS:
            tensor = getattr(self, name)
            if tensor is not None:
                assert tensor.dtype == torch.float32, f"{name} is read as float32"
                assert tensor.is_contiguous(), f"{name} is read from end to end"

    def operation(self) -> Operation:
        """The same for the library, which points into this one's tensors."""
        made = Operation(**{name: address(getattr(self, name)) for name in self.TENSORS})
        for name in self.NUMBERS:
            setattr(made, name, getattr(self, name))
        made.round, made.flags = self.round.group, self.flags | (Flag.FINE if self.round.fine else Flag.NONE)
        if self.heads is not None:
            for each in fields(self.heads):
                setattr(made, each.name, getattr(self.heads, each.name))
        if self.matrix is not None:
            made.matrix = pointer(self.matrix.fields)
        return made


@dataclass(frozen=True, eq=False)
class Texts:
    """Tokens of several texts, those of each one after another, and what each of them follows.

    Args:
        tokens: [T], ids.
        starts: [texts + 1], where each text begins, and T.
        slots: [texts], how many tokens of each are remembered.
        tables: [texts, n], int32: the pages in which each text's tokens are remembered.
        apart: [texts], whether each of its rows looks back by itself, as one token would, bit for bit.
        wanted: [n], rows whose logits are wanted.
    """

    tokens: Tensor
    starts: Tensor
    slots: Tensor | None = None
    tables: Tensor | None = None
    apart: Tensor | None = None
    wanted: Tensor | None = None

    def __post_init__(self) -> None:
        for name in ("tokens", "starts", "slots", "apart", "wanted"):
            tensor = getattr(self, name)
            assert tensor is None or (tensor.dtype == torch.int64 and tensor.is_contiguous()), name
        assert self.tables is None or (self.tables.dtype == torch.int32 and self.tables.is_contiguous())


@dataclass(frozen=True, eq=False)
class Pages:
    """Keys and values of each layer, [pages, K, page, D] in float32 or float16; or int8 [pages, K, page, D + 4], each
    head of a slot followed by its scale as float32.
    """

    keys: Sequence[Tensor]
    values: Sequence[Tensor]

    @property
    def size(self) -> int:
        return self.keys[0].shape[2]

    @property
    def kept(self) -> int:
        return KEPT.index(self.keys[0].dtype)


@dataclass(frozen=True, eq=False)
class Memories:
    """Other texts, read before, that texts being written look at.

    Args:
        keys, values: of each layer, float32 [rows, K * D].
        begins, lengths: [memories], int64: which of the rows each has.
        readers: [memories + 1], int64: texts readers[m] to readers[m + 1] look at memory m.
    """

    keys: Sequence[Tensor]
    values: Sequence[Tensor]
    begins: Tensor
    lengths: Tensor
    readers: Tensor

    def __post_init__(self) -> None:
        for name in ("begins", "lengths", "readers"):
            tensor = getattr(self, name)
            assert tensor.dtype == torch.int64, name
            assert tensor.is_contiguous(), name
        for each in (*self.keys, *self.values):
            assert each.dtype == torch.float32
            assert each.is_contiguous()


KEPT = (torch.float32, torch.float16, torch.int8)
"""In interface.h's order."""


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in the library's memory, with buffers of these widths for so many rows between them.

    Args:
        given: the width of what comes out, logits or hidden states.
    """

    library: Library
    steps: Sequence[Step]
    widths: Sequence[int]
    given: int
    rows: int
    handle: c_void_p = field(init=False)

    def __post_init__(self) -> None:
        operations = (Operation * len(self.steps))(*(step.operation() for step in self.steps))
        widths = (c_int64 * len(self.widths))(*self.widths)
        made = self.library.functions.program_new(operations, len(operations), widths, len(widths), self.rows)
        if not made:
            raise RequestError("There is no memory left for what the model works with ({count} rows).", count=self.rows)
        object.__setattr__(self, "handle", c_void_p(made))

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.library.functions.program_free(self.handle)

    def write(self, texts: Texts, pages: Pages, logits: Tensor, memories: Memories | None = None) -> None:
        """Read texts, at most `rows` tokens in all, and remember them in `pages`.

        Args:
            logits: float32 [n, V], filled with those of the wanted rows.
            memories: what a decoder looks at.
        """
        assert texts.wanted is not None
        assert texts.tables is not None
        assert logits.shape == (len(texts.wanted), self.given)
        call = self.call(texts)
        call.slots, call.apart, call.tables = address(texts.slots), address(texts.apart), address(texts.tables)
        call.wanted, call.count = address(texts.wanted), len(texts.wanted)
        call.keys, call.values = addresses(pages.keys), addresses(pages.values)
        if memories is not None:
            call.memories, call.readers = len(memories.begins), address(memories.readers)
            call.begins, call.lengths = address(memories.begins), address(memories.lengths)
            call.memory_keys, call.memory_values = addresses(memories.keys), addresses(memories.values)
        call.table, call.page, call.kept = texts.tables.shape[1], pages.size, pages.kept
        call.logits = address(logits)
        self.send(call)

    def read(self, texts: Texts) -> Tensor:
        """Read texts side by side, each by itself, at most `rows` tokens in all: hidden states, float32 [T, W]."""
        hidden = torch.empty(len(texts.tokens), self.given)
        call = self.call(texts)
        call.hidden = address(hidden)
        self.send(call)
        return hidden

    def call(self, texts: Texts) -> Call:
        starts = texts.starts
        return Call(
            tokens=address(texts.tokens), length=len(texts.tokens), texts=len(starts) - 1, starts=address(starts)
        )

    def send(self, call: Call) -> None:
        with self.library.turn:
            failed = self.library.functions.program_run(self.library.pool, self.handle, byref(call))
        if failed:
            raise RequestError("There is no memory left to read {rows} tokens.", rows=call.length)
