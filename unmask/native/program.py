"""A model as a list of operations, run by the library: all of them for a token, or for many, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass, field, fields
from typing import ClassVar

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.native.library import Call, Flag, Kind, Library, Operation, address, pointer
from unmask.native.matrix import Matrix

FEW, MANY, ROOM = 64, 512, 1 << 24
"""Tokens that a call reads at a time, and the bytes that buffers may take for them: what is between two operations then
stays near the processor, and a large model can be stopped between two calls."""


def rows_for(widths: Sequence[int]) -> int:
    """How many rows a model with buffers of these widths reads at a time."""
    return max(FEW, min(MANY, ROOM // (4 * sum(widths))))


@dataclass(frozen=True)
class Rounding:
    """How rows are rounded for the products that follow: in groups, to 8 bits or to 16. A group of 0: not at all."""

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
    matrix: Matrix | None = None
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

    def run(self, tokens: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], *, start: int, last: int) -> Tensor:
        """Read tokens [B, T] that follow `start` others; B is 1 or T is 1.

        Args:
            keys, values: of each layer [B, K, capacity, D], float16 or float32; the tokens' own are written there.
            last: so many last tokens get logits.
        Returns:
            float32 [B, last, V].
        """
        batch, length = tokens.shape
        logits = torch.empty(batch, last, self.given)
        for begin in range(0, length, self.rows):
            end = min(begin + self.rows, length)
            first = max(begin, length - last)  # of those with logits
            into = logits[:, max(0, first - (length - last)) :]
            self.call(tokens[:, begin:end], keys, values, start=start + begin, last=max(0, end - first), logits=into)
        return logits

    def call(
        self, tokens: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], *, start: int, last: int, logits: Tensor
    ) -> None:
        tokens = tokens.contiguous()
        call = Call(
            tokens=address(tokens),
            batch=tokens.shape[0],
            length=tokens.shape[1],
            start=start,
            last=last,
            keys=(c_void_p * len(keys))(*map(address, keys)),
            values=(c_void_p * len(values))(*map(address, values)),
            capacity=keys[0].shape[2],
            half=keys[0].dtype == torch.float16,
            logits=address(logits),
        )
        self.send(call)

    def read(self, tokens: Tensor, positions: Tensor, starts: Tensor) -> Tensor:
        """Read texts side by side, each by itself, at most `rows` tokens in all.

        Args:
            tokens, positions: [T], the tokens of all texts and each one's place in its text.
            starts: [texts + 1], where each text begins, and T.
        Returns:
            hidden states, float32 [T, W].
        """
        hidden = torch.empty(len(tokens), self.given)
        tokens, positions, starts = tokens.contiguous(), positions.contiguous(), starts.contiguous()
        call = Call(
            tokens=address(tokens),
            batch=1,
            length=len(tokens),
            starts=address(starts),
            positions=address(positions),
            texts=len(starts) - 1,
            hidden=address(hidden),
        )
        self.send(call)
        return hidden

    def send(self, call: Call) -> None:
        with self.library.turn:
            failed = self.library.functions.program_run(self.library.pool, self.handle, byref(call))
        if failed:
            raise RequestError("There is no memory left to read {rows} tokens.", rows=call.batch * call.length)
