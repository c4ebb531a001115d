"""What every weight file is to the rest of the code: names with shapes, and tensors read one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class TensorInfo:
    """One stored tensor: its shape in torch's order, and its dtype as the file's own format names it."""

    shape: tuple[int, ...]
    dtype: str


class TensorSource(Protocol):
    """Weights in a file or a folder. Opening reads headers only; `read` brings one tensor, mapped where it can be."""

    @property
    def path(self) -> Path: ...

    @property
    def tensors(self) -> Mapping[str, TensorInfo]: ...

    def read(self, name: str) -> Tensor:
        """The tensor `name`, one of `tensors`, in the shape that `tensors` gives."""
        ...
