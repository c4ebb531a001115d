"""Device and dtype by name: resolved once, then passed on. And when torch should keep to one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unmask.base.errors import RequestError
from unmask.base.registry import nearest

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")


def resolve_dtype(name: str) -> torch.dtype:
    """The torch dtype called `name`, one of `DTYPES`.

    Raises:
        RequestError: for any other name.
    """
    import torch

    if name not in DTYPES:
        raise RequestError(
            "Unknown dtype {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=name,
            known=", ".join(DTYPES),
            nearest=nearest(name, DTYPES, count=1)[0],
        )
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def resolve_device(name: str | None) -> torch.device:
    """The torch device called `name`; None picks CUDA where there is one, else the CPU.

    Raises:
        RequestError: if torch does not know the name or this machine does not have the device.
    """
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise RequestError(
            "Device {name!r} cannot be used here: {reason}. Leave it out to let unmask choose.",
            name=name,
            reason=str(error).splitlines()[0],
        ) from error
    return device


def quick_dtype(device: torch.device) -> str:
    """What a device multiplies fastest without losing what training needs: bfloat16 where it has units for it."""
    import torch

    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    units = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if units else "float32"


@contextmanager
def one_thread() -> Iterator[None]:
    """For as long as this lasts, torch computes on the caller's thread alone."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
