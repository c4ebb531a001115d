"""GGML's block formats: how many bytes they take, and what numbers they stand for.

A quantized row is cut into blocks of 32 weights; a block stores one or two float16 numbers and 32 small integers.
In the 4-bit formats byte i holds weight i in its low half and weight i + 16 in its high half.

Source: ggml's `ggml-common.h` (block layouts) and `ggml.h` (type ids).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BlockFormat:
    """A format that can be read.

    Args:
        length: weights in a block.
        size: bytes of a block.
        decode: [N, size] uint8, N blocks -> [N, length] float32.
    """

    length: int
    size: int
    decode: Callable[[Tensor], Tensor]


def dequantize(data: Tensor, format_name: str) -> Tensor:
    """The weights in `data` ([bytes] uint8, whole blocks of a format in `FORMATS`) as float32 [weights].

    F32 shares `data`'s memory where its address allows.
    """
    block = FORMATS[format_name]
    return block.decode(data.view(-1, block.size)).flatten()


def reals(dtype: torch.dtype, blocks: Tensor) -> Tensor:
    """Bytes [N, n * size] as n numbers a block: float32 [N, n]."""
    aligned = blocks.is_contiguous() and blocks.data_ptr() % dtype.itemsize == 0
    return (blocks if aligned else blocks.clone(memory_format=torch.contiguous_format)).view(dtype).float()


def q8_0(blocks: Tensor) -> Tensor:
    """Scale, then 32 signed bytes."""
    return blocks[:, 2:].view(torch.int8).float().mul_(reals(torch.float16, blocks[:, :2]))


def q4_0(blocks: Tensor) -> Tensor:
    """Scale, then 32 halves that count from -8."""
    return halves(blocks[:, 2:]).sub_(8).mul_(reals(torch.float16, blocks[:, :2]))


def q4_1(blocks: Tensor) -> Tensor:
    """Scale and minimum, then 32 halves that count from the minimum."""
    scale, minimum = reals(torch.float16, blocks[:, :4]).unbind(1)
    return halves(blocks[:, 4:]).mul_(scale[:, None]).add_(minimum[:, None])


def halves(packed: Tensor) -> Tensor:
    """Half bytes as numbers, all the low ones first: [N, 16] uint8 -> [N, 32] float32."""
    packed = packed.contiguous()  # twice as fast as taking bits out of strided rows
    return torch.cat((packed & 15, packed >> 4), dim=1).float()


FORMATS: Mapping[str, BlockFormat] = {
    "F32": BlockFormat(1, 4, lambda blocks: reals(torch.float32, blocks)),
    "F16": BlockFormat(1, 2, lambda blocks: reals(torch.float16, blocks)),
    "BF16": BlockFormat(1, 2, lambda blocks: reals(torch.bfloat16, blocks)),
    "Q8_0": BlockFormat(32, 34, q8_0),
    "Q4_0": BlockFormat(32, 18, q4_0),
    "Q4_1": BlockFormat(32, 20, q4_1),
}

# Every type id in use, so that a format we cannot read is still called by its name.
NAMES: Mapping[int, str] = {
    **dict(enumerate(("F32", "F16", "Q4_0", "Q4_1"))),
    **dict(enumerate(("Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K"), start=6)),
    **dict(enumerate(("IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS"), start=16)),
    **dict(enumerate(("I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16"), start=24)),
    **dict(enumerate(("TQ1_0", "TQ2_0"), start=34)),
    **dict(enumerate(("MXFP4", "NVFP4", "Q1_0"), start=39)),
}
