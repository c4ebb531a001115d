"""Matrices for the library, of few bits or of float32: it reads the tensors where they are."""

from __future__ import annotations

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.native.library import Library, MatrixFields, address, pointer

PANEL = 16
"""Rows that lie side by side, as in interface.h: as many as a vector of 64 bytes has lanes of four codes."""


class Matrix:
    """[rows, width] in codes of 4 or 8 bits; unmask/quantization/packed.py tells how they lie.

    Args:
        codes: uint8, contiguous, on the CPU, as are the others.
        scales, minima: float16 [panels, groups, PANEL].
        group: how many neighbouring weights share a scale; a multiple of 8.
        fine: whether a few inputs of a row are rounded to 16 bits instead of 8; for 8 bits and one group a row.
    """

    def __init__(
        self,
        codes: Tensor,
        scales: Tensor,
        minima: Tensor | None,
        *,
        rows: int,
        width: int,
        group: int,
        bits: int,
        fine: bool,
    ) -> None:
        self.held = (codes, scales, minima)
        self.rows, self.width, self.group, self.fine = rows, width, group, fine
        padded = -(-width // group) * group
        for each in filter(lambda part: part is not None, self.held):
            assert each is not None
            assert each.is_contiguous(), "the library reads rows one after the other"
            assert each.device.type == "cpu", "the library reads the processor's memory"
        assert codes.numel() == -(-rows // PANEL) * PANEL * padded * bits // 8, "a panel is 16 padded rows"
        self.fields = MatrixFields(
            address(codes), address(scales), address(minima), rows, width, padded, group, bits, fine
        )

    def multiply(self, library: Library, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """x [M, width] times the matrix, plus bias [rows]: [M, rows]; x is rounded, group by group.

        Raises:
            RequestError: if there is no memory for the rounded rows.
        """
        out = torch.empty(len(x), self.rows)
        x = x.contiguous()
        with library.turn:
            failed = library.functions.multiply(
                library.pool, pointer(self.fields), address(x), len(x), address(bias), address(out)
            )
        if failed:
            raise RequestError("There is no memory left to multiply {rows} rows. Take fewer at once.", rows=len(x))
        return out

    def take(self, library: Library, ids: Tensor) -> Tensor:
        """Rows `ids` [...] as numbers: [..., width].

        Raises:
            IndexError: if there is no such row, as torch does.
        """
        ids = ids.long().contiguous()
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < self.rows:
            raise IndexError(f"ids from {int(ids.min())} to {int(ids.max())} for a table of {self.rows} rows")
        out = torch.empty(*ids.shape, self.width)
        library.functions.take_rows(pointer(self.fields), address(ids), ids.numel(), address(out))
        return out


class FloatMatrix:
    """float32 [rows, width], contiguous and on the CPU: another tensor's numbers, as they are at any time."""

    def __init__(self, weight: Tensor) -> None:
        assert weight.dtype == torch.float32
        assert weight.is_contiguous()
        assert weight.device.type == "cpu"
        self.held = weight
        rows, width = weight.shape
        self.fields = MatrixFields(address(weight), None, None, rows, width, width, width, 32, 0)
