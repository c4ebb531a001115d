"""Attention of torch's tensors on a CPU: block by block in float32, whatever their type, in torch's own threads."""

from __future__ import annotations

import ctypes
from ctypes import CDLL, Structure, byref, c_double, c_int64, c_void_p
from functools import cache

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.native.library import address, library

KEPT = {torch.float32: 0, torch.bfloat16: 3}
"""FLOATS and BRAINS of interface.h."""
LITTLE = 1 << 17
"""Products of two numbers that one thread has done before others are awake."""


class TensorFields(Structure):
    """`Tensor` of interface.h."""

    _fields_ = (("numbers", c_void_p), ("row", c_int64), ("head", c_int64), ("token", c_int64))


class Glance(Structure):
    """`Glance` of interface.h."""

    _fields_ = (
        *((name, TensorFields) for name in ("queries", "keys", "values", "mixed")),
        *((name, c_int64) for name in ("rows", "heads", "kv_heads", "tokens", "slots", "width")),
        ("lengths", c_void_p),
        ("causal", c_int64),
        ("kept", c_int64),
        ("scale", c_double),
    )


def attention(
    query: Tensor, key: Tensor, value: Tensor, *, lengths: Tensor | None, causal: bool, scale: float
) -> Tensor | None:
    """query [B, H, T, D], key and value [B, K, S, D] with K dividing H -> mixed values [B, H, T, D].

    Args:
        lengths: integers [B], how many slots all tokens of a row see; without them all, or, if `causal`, those up to a
            token's own. A row of length 0 is mixed to zeros.
    Returns:
        None for what is torch's: other types and devices, gradients, a processor without kernels of its own, and where
        there is no library or no threads to share.
    Source: Dao et al. 2022, algorithm 1; Milakov and Gimelshein 2018, algorithm 3.
    """
    if not fitting(query, key, value) or (causal and query.shape[2] > key.shape[2]):
        return None
    if lengths is not None and len(lengths) != len(query):
        return None
    found, parallel = library(), torchs_threads()
    if found is None or parallel is None or found.kernels == "portable":
        return None
    rows, heads, tokens, width = query.shape
    seen = None if lengths is None else lengths.long().contiguous()
    mixed = torch.empty(rows, tokens, heads, width, dtype=query.dtype).transpose(1, 2)
    glance = Glance(
        *map(fields, (query, key, value, mixed)),
        *(rows, heads, key.shape[1], tokens, key.shape[2], width),
        address(seen),
        causal,
        KEPT[query.dtype],
        scale,
    )
    threads = torch.get_num_threads() if query.numel() * key.shape[2] > LITTLE else 1
    if found.functions.glance(parallel, threads, byref(glance)):
        raise RequestError("There is no memory left to read {rows} tokens.", rows=rows * tokens)
    return mixed


def fitting(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether the library can take them as they lie, and nothing wants to know how it was done."""
    return (
        not torch.is_grad_enabled()
        and query.dtype in KEPT
        and key.shape == value.shape == (len(query), *key.shape[1:3], query.shape[3])
        and min(query.numel(), key.numel()) > 0
        and query.shape[1] % key.shape[1] == 0
        and key.stride(2) == value.stride(2)
        and all(lies_here(each, query.dtype) for each in (query, key, value))
    )


def lies_here(tensor: Tensor, dtype: torch.dtype) -> bool:
    plain = type(tensor) is Tensor and tensor.device.type == "cpu"
    return plain and tensor.dtype == dtype and tensor.stride(3) == 1


def fields(tensor: Tensor) -> TensorFields:
    return TensorFields(address(tensor), *tensor.stride()[:3])


@cache
def torchs_threads() -> c_void_p | None:
    """The function that runs a piece of work in all threads that torch has woken; None where they are not libgomp's.

    Threads of our own would find the processors busy: torch's spin for a while after each operation.
    """
    try:
        return ctypes.cast(CDLL(None).GOMP_parallel, c_void_p)
    except (AttributeError, OSError, TypeError):
        return None
