"""Finds the compiled library, and says where there is none. It is built when the package is installed (setup in
pyproject.toml); where there was no compiler, models run on their torch twins.

`UNMASK_NATIVE` chooses: "off", or kernels by name (one of `KERNELS`) in place of the best.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from ctypes import CDLL, POINTER, Structure, c_char_p, c_double, c_int, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, auto
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from unmask.base.errors import RequestError
from unmask.base.language import say

if TYPE_CHECKING:
    import torch

SWITCH = "UNMASK_NATIVE"
KERNELS = ("amx-int8", "avx512-vnni", "avx2-vnni", "avx2", "portable")


class MatrixFields(Structure):
    """`Matrix` of interface.h."""

    _fields_ = (
        ("codes", c_void_p),
        ("scales", c_void_p),
        ("minima", c_void_p),
        ("rows", c_int64),
        ("width", c_int64),
        ("padded", c_int64),
        ("group", c_int64),
        ("bits", c_int64),
        ("fine", c_int64),
    )


class Kind(IntEnum):
    """What an operation does; interface.h tells."""

    EMBED = 0
    RMS_NORM = auto()
    LAYER_NORM = auto()
    MULTIPLY = auto()
    SETTLE = auto()
    ATTEND = auto()
    ATTEND_ALL = auto()
    ATTEND_MEMORY = auto()
    ACTIVATE = auto()
    LOGITS = auto()
    COPY = auto()
    HIDDEN = auto()


class Flag(IntFlag):
    """How an operation is done; interface.h tells."""

    NONE = 0
    WANTED = 1
    ADD = 2
    ALONG = 4
    FINE = 8


FUNCTIONS = ("relu", "silu", "gelu", "gelu_tanh")
"""Activations in interface.h's order, by the core's names."""


class Operation(Structure):
    """`Operation` of interface.h."""

    _fields_ = (
        *((name, c_int32) for name in ("kind", "flags", "source", "beside", "target")),
        *((name, c_int32) for name in ("layer", "heads", "kv_heads", "head_width", "window", "function", "values")),
        ("round", c_int64),
        ("offset", c_int64),
        ("number", c_double),
        ("matrix", POINTER(MatrixFields)),
        *((name, c_void_p) for name in ("weight", "bias", "cosines", "sines")),
    )


class Call(Structure):
    """`Call` of interface.h."""

    _fields_ = (
        ("tokens", c_void_p),
        ("length", c_int64),
        ("texts", c_int64),
        *((name, c_void_p) for name in ("starts", "slots", "apart", "wanted")),
        ("count", c_int64),
        ("keys", POINTER(c_void_p)),
        ("values", POINTER(c_void_p)),
        ("tables", c_void_p),
        *((name, c_int64) for name in ("table", "page", "kept", "memories")),
        *((name, c_void_p) for name in ("readers", "begins", "lengths")),
        ("memory_keys", POINTER(c_void_p)),
        ("memory_values", POINTER(c_void_p)),
        ("logits", c_void_p),
        ("hidden", c_void_p),
    )


@dataclass(frozen=True)
class Library:
    """The loaded library and its threads, as many as torch uses. They do one thing at a time: whose turn it is has
    the lock.
    """

    functions: CDLL
    pool: c_void_p
    threads: int
    turn: Lock = field(default_factory=Lock)

    @property
    def kernels(self) -> str:
        name: bytes = self.functions.library_kernels()
        return name.decode()


def library() -> Library | None:
    """The library; None where none was built, or `UNMASK_NATIVE` switches it off.

    Raises:
        RequestError: if `UNMASK_NATIVE` names kernels that there are not, or that this processor cannot run.
    """
    return started(os.getpid(), os.environ.get(SWITCH, ""))


@cache
def started(process: int, wanted: str) -> Library | None:
    """The library with as many threads as torch has now; a forked child has none of its parent's."""
    import torch

    functions = loaded() if wanted != "off" else None
    if functions is None:
        return None
    if wanted and not functions.library_choose(wanted.encode()):
        raise RequestError(
            "{variable} is {name!r}; it may be {known}, as far as this processor has them, or off.",
            variable=SWITCH,
            name=wanted,
            known=", ".join(KERNELS),
        )
    threads = torch.get_num_threads()
    pool = functions.pool_new(threads)
    return Library(functions, c_void_p(pool), threads) if pool else None


def threadless() -> CDLL | None:
    """The library's functions that need no threads, and neither torch; None as `library`."""
    return None if os.environ.get(SWITCH) == "off" else loaded()


@cache
def loaded() -> CDLL | None:
    path = built()
    return None if path is None else declared(CDLL(str(path)))


def built() -> Path | None:
    """Where the compiled library lies."""
    here = Path(__file__).parent
    return next((path for suffix in EXTENSION_SUFFIXES if (path := here / f"compiled{suffix}").exists()), None)


def declared(functions: CDLL) -> CDLL:
    """The functions with their types, as interface.h and chunks.h have them."""
    matrix = POINTER(MatrixFields)
    types: dict[str, tuple[object, list[object]]] = {
        "library_kernels": (c_char_p, []),
        "library_choose": (c_int, [c_char_p]),
        "pool_new": (c_void_p, [c_int]),
        "multiply": (c_int, [c_void_p, matrix, c_void_p, c_int64, c_void_p, c_void_p]),
        "take_rows": (None, [matrix, c_void_p, c_int64, c_void_p]),
        "survey_sums": (None, [c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p]),
        "survey_largest": (None, [c_void_p, c_void_p, c_int64, c_int64, c_int64, c_int64, c_void_p, c_void_p]),
        "glance": (c_int, [c_void_p, c_int, c_void_p]),
        "chunks_new": (c_void_p, [c_int, c_int, c_int64, c_int64, c_uint64]),
        "chunks_free": (None, [c_void_p]),
        "chunks_scan": (c_int64, [c_void_p, c_char_p, c_void_p, c_int64]),
        "chunks_fresh": (None, [c_void_p, c_void_p, c_void_p]),
        "chunks_spell": (c_int, [c_void_p, c_void_p, c_void_p]),
        "chunks_lengths": (None, [c_void_p, c_void_p]),
        "chunks_join": (None, [c_void_p, c_void_p]),
        "program_new": (c_void_p, [POINTER(Operation), c_int, POINTER(c_int64), c_int, c_int64]),
        "program_free": (None, [c_void_p]),
        "program_run": (c_int, [c_void_p, c_void_p, POINTER(Call)]),
    }
    for name, (result, arguments) in types.items():
        function = getattr(functions, name)
        function.restype, function.argtypes = result, arguments
    return functions


def describe() -> str:
    """Which path quantized models take here, in words."""
    found = library()
    if found is not None:
        return say("native ({kernels}, {threads} threads)", kernels=found.kernels, threads=found.threads)
    if built() is None:
        return say("PyTorch (no compiled library: install unmask again where there is a C compiler)")
    return say("PyTorch (the compiled library is switched off by {variable})", variable=SWITCH)


def address(tensor: torch.Tensor | None) -> int | None:
    """Where a tensor's numbers begin."""
    return None if tensor is None else tensor.data_ptr()


def addresses(tensors: Sequence[torch.Tensor]) -> ctypes.Array[c_void_p]:
    return (c_void_p * len(tensors))(*map(address, tensors))


def pointer(structure: Structure) -> ctypes._Pointer[Structure]:
    return ctypes.pointer(structure)
