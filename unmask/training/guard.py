"""What is kept of a step that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unmask.base.files import storage_errors
from unmask.checkpoints.safetensors_writer import write_file
from unmask.checkpoints.source import TensorInfo
from unmask.data.batch import Batch
from unmask.training.state import NAMES


def keep_batch(folder: Path, step: int, rank: int, parts: Sequence[Batch]) -> Path:
    """Write the batches of a step, `0.tokens`, `0.targets` and so on, as safetensors; where.

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    path = folder / f"failed-step-{step:08}-{rank:05}.safetensors"
    values = {
        f"{number}.{name}": value.cpu() for number, part in enumerate(parts) for name, value in part.tensors().items()
    }
    infos = {name: TensorInfo(tuple(value.shape), NAMES[value.dtype]) for name, value in values.items()}
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        write_file(path, infos, values.__getitem__)
    return path
