"""GGUF's blocks of 32 weights, as they are: their integers become codes, their float16 numbers scales and minima."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unmask.base.errors import CheckpointError
from unmask.checkpoints.ggml import FORMATS
from unmask.quantization.packed import HALVES, Packed
from unmask.quantization.rounding import slices
from unmask.quantization.schemes import SCHEMES, Scheme

BLOCKS: Mapping[str, Scheme] = {
    "Q4_0": SCHEMES["int4-32"],
    "Q4_1": SCHEMES["int4-32-zero"],
    "Q8_0": SCHEMES["int8-32"],
}
"""The formats whose blocks a scheme holds to the bit."""


def from_blocks(rows: Tensor, format_name: str, device: torch.device) -> Packed:
    """A matrix of blocks, uint8 [N, bytes], in one of `BLOCKS`.

    Raises:
        CheckpointError: if a block has a scale or a minimum that is no number, or infinite.
    """
    block, scheme = FORMATS[format_name], BLOCKS[format_name]
    width = rows.shape[1] // block.size * block.length
    made = Packed.empty(scheme, len(rows), width, device)
    for start, end in slices(len(rows), width):
        made.write(start, *parts(rows[start:end].to(device), format_name))
    return made


def parts(rows: Tensor, format_name: str) -> tuple[Tensor, Tensor, Tensor | None]:
    """What `Packed.write` takes, of rows [n, bytes]: a block is its scale, its minimum if it has one, its integers."""
    block, scheme = FORMATS[format_name], BLOCKS[format_name]
    blocks = rows.reshape(-1, block.size)  # [n * G, size]
    head = block.size - block.length * scheme.bits // 8
    numbers = blocks[:, :head].contiguous().view(torch.float16).view(len(rows), -1, head // 2)  # [n, G, 1 or 2]
    # Signed bytes count from 0, and codes from -128.
    codes = in_order(blocks[:, head:]) if scheme.bits == 4 else blocks[:, head:] ^ 128
    minima = None if scheme.symmetric else numbers[..., 1]
    if not numbers.is_meta and not numbers.isfinite().all():
        raise CheckpointError(
            "A {type} matrix of {width} columns has a block whose scale or minimum is no finite number. "
            "The file is damaged, or was made from a model that was: download it anew.",
            type=format_name,
            width=numbers.shape[1] * block.length,
        )
    return codes.view(len(rows), -1), numbers[..., 0], minima


def in_order(packed: Tensor) -> Tensor:
    """4-bit integers of blocks one in a byte; byte i has those of weights i and i + 16: [N, 16] -> [N, 32]."""
    fours = packed.contiguous().view(torch.int32)  # four at once: with bytes it takes four times as long
    return torch.cat((fours & HALVES, fours >> 4 & HALVES), dim=1).view(torch.uint8)
