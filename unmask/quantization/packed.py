"""The one form in which quantized weights lie in memory: panels of 16 rows, which a processor reads from end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.native.matrix import PANEL, Matrix
from unmask.native.memory import empty
from unmask.quantization.schemes import Scheme

HALVES = 0x0F0F0F0F
"""The low half of each of four bytes."""
FINER = 256
"""Steps of a rest that are one step of its codes."""


class Packed(nn.Module):
    """A matrix [N, K] in a scheme. Rows are padded to whole panels, P in all; widths to whole groups, G in a row.

    Args:
        codes: uint8 [P, bytes]. Of 8 bits: for each 4 columns 64 bytes, [16 rows, 4]. Of 4 bits: for each 8 columns 64
            bytes, [16 rows, 4], columns 0 to 3 in the low halves and 4 to 7 in the high ones.
        scales: float16 [P, G, 16]; 0 in rows of padding.
        minima: the same, or None where the scheme is symmetric.
        rest: what rounding to the codes left over, rounded in its turn in steps of 1 / `FINER` of a scale, laid out as
            the codes are; None where it is dropped. Only of 8 bits, symmetric.

    A module only so that it moves, is copied and counted with the model that it is in; it may stand in two places.
    """

    codes: Tensor
    scales: Tensor
    minima: Tensor | None
    rest: Tensor | None

    def __init__(
        self,
        scheme: Scheme,
        rows: int,
        width: int,
        codes: Tensor,
        scales: Tensor,
        minima: Tensor | None,
        rest: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.scheme, self.rows, self.width = scheme, rows, width
        self.register_buffer("codes", codes)
        self.register_buffer("scales", scales)
        self.register_buffer("minima", minima)
        self.register_buffer("rest", rest)

    @classmethod
    def empty(cls, scheme: Scheme, rows: int, width: int, device: torch.device, *, rest: bool = False) -> Self:
        """Room for a matrix, for `write` to fill, and for its rest too."""
        panels, groups = -(-rows // PANEL), scheme.groups(width)
        size = PANEL * groups * scheme.span(width) * scheme.bits // 8
        codes = [empty((panels, size), dtype=torch.uint8, device=device) for _ in range(1 + rest)]
        numbers = [
            empty((panels, groups, PANEL), dtype=torch.float16, device=device) for _ in range(2 - scheme.symmetric)
        ]
        minima = None if scheme.symmetric else numbers[1]
        return cls(scheme, rows, width, codes[0], numbers[0], minima, codes[1] if rest else None)

    @classmethod
    def pack(cls, codes: Tensor, scales: Tensor, minima: Tensor | None, scheme: Scheme, width: int) -> Self:
        """A whole matrix, as `write` takes it."""
        made = cls.empty(scheme, len(codes), width, codes.device)
        made.write(0, codes, scales, minima)
        return made

    @property
    def group(self) -> int:
        """Codes that share a scale."""
        return self.scheme.span(self.width)

    @property
    def planes(self) -> tuple[Packed, ...]:
        """Matrices without a rest whose sum this one is, in the same memory."""
        if self.rest is None:
            return (self,)
        return tuple(
            Packed(self.scheme, self.rows, self.width, codes, scales, None)
            for codes, scales in ((self.codes, self.scales), (self.rest, self.scales / FINER))
        )

    @property
    def matrix(self) -> Matrix:
        """The same matrix, of one plane, for the native library, which reads the tensors where they are."""
        assert self.rest is None
        return Matrix(
            self.codes,
            self.scales,
            self.minima,
            rows=self.rows,
            width=self.width,
            group=self.group,
            bits=self.scheme.bits,
            fine=self.scheme.fine,
        )

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in self.buffers())

    def write(
        self, start: int, codes: Tensor, scales: Tensor, minima: Tensor | None, rest: Tensor | None = None
    ) -> None:
        """Put some rows in their place, and the padding of the last panel with its last rows.

        Args:
            start: the first of them, the first of a panel.
            codes: uint8 [n, G * group], padded.
            scales, minima: [n, G], float16.
            rest: as codes.
        """
        first, end = start // PANEL, -(-(start + len(codes)) // PANEL)
        missing = (end - first) * PANEL - len(codes)
        for room, given in ((self.codes, codes), (self.rest, rest)):
            if room is None or given is None:
                continue
            fours = padded(given, missing, self.scheme.zero).contiguous().view(torch.int32)  # [16 p, columns / 4]
            if self.scheme.bits == 4:
                fours = fours[:, ::2] | fours[:, 1::2] << 4
            room[first:end].view(torch.int32).view(end - first, -1, PANEL).copy_(in_panels(fours))
        for into, values in ((self.scales, scales), (self.minima, minima)):
            if into is not None and values is not None:
                into[first:end] = in_panels(padded(values, missing, 0))

    def read(self, start: int, end: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rows from `start`, the first of a panel, up to `end`: what `write` takes, but for the rest."""
        panels, count = slice(start // PANEL, -(-end // PANEL)), end - start
        fours = self.codes[panels].view(torch.int32).unflatten(1, (-1, PANEL))
        codes = self.spread(in_rows(fours)[:count])
        minima = None if self.minima is None else in_rows(self.minima[panels])[:count]
        return codes, in_rows(self.scales[panels])[:count], minima

    def spread(self, fours: Tensor) -> Tensor:
        """Codes one in a byte: int32 [..., columns / (4 or 8)], each four bytes of a row -> uint8 [..., columns]."""
        if self.scheme.bits == 4:
            fours = torch.stack((fours & HALVES, fours >> 4 & HALVES), dim=-1).flatten(-2)
        return fours.contiguous().view(torch.uint8)

    def unpack(self) -> Tensor:
        """The weights, float32 [N, K]."""
        return sum_of(each.weights(*each.read(0, self.rows)) for each in self.planes)

    def take(self, ids: Tensor) -> Tensor:
        """Some rows of one plane, as an embedding gives them: ids [...] -> float32 [..., K]."""
        panel, lane = ids // PANEL, ids % PANEL
        fours: Tensor = self.codes.view(torch.int32).unflatten(1, (-1, PANEL))
        codes = self.spread(fours[panel, :, lane])
        minima = None if self.minima is None else self.minima[panel, :, lane]
        return self.weights(codes, self.scales[panel, :, lane], minima)

    def weights(self, codes: Tensor, scales: Tensor, minima: Tensor | None) -> Tensor:
        """What the codes [..., columns] of rows with scales [..., G] stand for: float32 [..., K]."""
        grouped = codes.unflatten(-1, (-1, self.group)).float().sub_(self.scheme.zero).mul_(scales.float()[..., None])
        if minima is not None:
            grouped = grouped.add_(minima.float()[..., None])
        rows: Tensor = grouped.flatten(-2)[..., : self.width]
        return rows.contiguous()

    def extra_repr(self) -> str:
        return f"{self.rows}, {self.width}, scheme={self.scheme.name}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Moves with the model, but keeps its float16 whatever the model's other numbers become."""
        self.codes = fn(self.codes)
        self.scales = self.scales.to(self.codes.device)
        self.minima = None if self.minima is None else self.minima.to(self.codes.device)
        self.rest = None if self.rest is None else fn(self.rest)
        return self


def padded(rows: Tensor, missing: int, value: int) -> Tensor:
    """Rows [n, ...] with `missing` more of one value."""
    return F.pad(rows, (0, 0, 0, missing), value=value) if missing else rows


def sum_of(parts: Iterable[Tensor]) -> Tensor:
    """Tensors of one shape, added from the first to the last."""
    return reduce(add, parts)


def in_panels(rows: Tensor) -> Tensor:
    """[16 p, columns] -> [p, columns, 16]."""
    panels: Tensor = rows.unflatten(0, (-1, PANEL))
    return panels.transpose(1, 2)


def in_rows(panels: Tensor) -> Tensor:
    """[p, columns, 16] -> [16 p, columns]."""
    return panels.transpose(1, 2).flatten(0, 1)
