"""Checkpoints of a run: whole or absent, checked when they are read, in pieces that any number of processes can read.

A checkpoint is a folder `step-00000200`: a safetensors file of each process with its part of each tensor, and
`manifest.json` with their places, sizes and SHA-256, which is written last; then the folder takes its name. What a
broken-off save left is never read, and the next one takes it away. No pickle anywhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unmask.base.errors import CheckpointError, StorageError, TrainingError
from unmask.base.files import atomic, sha256, storage_errors
from unmask.checkpoints.dtypes import DTYPES
from unmask.checkpoints.safetensors import open_safetensors
from unmask.checkpoints.safetensors_writer import write_file
from unmask.checkpoints.source import TensorInfo

NAME = re.compile(r"step-(\d{8})")
MANIFEST = "manifest.json"
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Piece:
    """What one process holds of a tensor: its rows from `begin` on; all of it where `shape` is its own."""

    values: Tensor
    begin: int
    shape: tuple[int, ...]


def folder_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08}"


def staging_of(folder: Path, step: int) -> Path:
    """Where a checkpoint is put together. One name for all processes, which cannot ask one another for it."""
    return folder / f".step-{step:08}.partial"


def clear(folder: Path, step: int) -> None:
    """Make an empty place for a checkpoint; whatever broken-off saves left goes.

    Raises:
        StorageError: if the place cannot be written.
    """
    with storage_errors(folder):
        for each in folder.glob(".step-*.partial"):
            shutil.rmtree(each)
        staging_of(folder, step).mkdir(parents=True)


def write_part(folder: Path, step: int, rank: int, pieces: Mapping[str, Piece]) -> None:
    """One process's part, and beside it what the manifest will say of it.

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    path = staging_of(folder, step) / f"part-{rank:05}.safetensors"
    infos = {name: TensorInfo(tuple(each.values.shape), NAMES[each.values.dtype]) for name, each in pieces.items()}
    with storage_errors(path):
        write_file(path, infos, lambda name: pieces[name].values)
    entry = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "tensors": {name: {"begin": each.begin, "shape": list(each.shape)} for name, each in pieces.items()},
    }
    with atomic(path.with_suffix(".json")) as stream:
        stream.write(json.dumps(entry).encode())


def seal(folder: Path, step: int, record: Mapping[str, object], *, parts: int, keep: int) -> None:
    """Make a checkpoint of so many parts, then let go of all but the newest `keep`.

    Raises:
        StorageError: if the disk is full or cannot be written, or parts are not there; what was sealed before stays.
    """
    staging, target = staging_of(folder, step), folder_of(folder, step)
    notes = sorted(staging.glob("part-*.json"))
    if len(notes) != parts:
        raise StorageError(
            "Of {parts} processes, {count} left their part of the checkpoint in {folder}: it must be on a disk that "
            "all of them share.",
            parts=parts,
            count=len(notes),
            folder=staging,
        )
    entries = [json.loads(each.read_bytes()) for each in notes]
    with storage_errors(target):
        with atomic(staging / MANIFEST) as stream:
            stream.write(json.dumps({"record": record, "parts": entries}, indent=1).encode())
        for each in notes:
            each.unlink()
        settle(staging)
        if target.exists():  # the same step, saved by a run that was then taken back to an older one
            shutil.rmtree(target)
        staging.rename(target)
        settle(folder)
        for _, old in steps(folder)[:-keep]:
            shutil.rmtree(old)


def settle(folder: Path) -> None:
    """Bring a folder's list of names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def steps(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints of a run, the oldest first."""
    if not folder.is_dir():
        return []
    found = [(NAME.fullmatch(each.name), each) for each in folder.iterdir()]
    return sorted((int(name[1]), each) for name, each in found if name)


class Saved:
    """A checkpoint that can be read: its record, and rows of its tensors whoever wrote them.

    Raises:
        CheckpointError: if a file is missing, has another size or other bytes than the manifest says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "The checkpoint {folder} has no readable {file}: {reason}. Remove the folder to go on "
                "from the one before.",
                folder=folder,
                file=MANIFEST,
                reason=str(error),
            ) from error
        self.record: dict[str, Any] = manifest["record"]
        self.places: dict[str, list[tuple[int, Path]]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for part in manifest["parts"]:
            path = folder / part["file"]
            check(path, part)
            for name, place in part["tensors"].items():
                self.places.setdefault(name, []).append((place["begin"], path))
                self.shapes[name] = tuple(place["shape"])
        self.open = {path: open_safetensors(path) for places in self.places.values() for _, path in places}

    def read(self, name: str, begin: int = 0, end: int | None = None) -> Tensor:
        """Rows begin..end of a tensor; all of them unless told otherwise.

        Raises:
            CheckpointError: if there is no such tensor, or rows of it are missing.
        """
        shape = self.shapes.get(name)
        if shape is None:
            raise CheckpointError("The checkpoint {folder} lacks {name!r}.", folder=self.folder, name=name)
        if not shape:
            return self.open[self.places[name][0][1]].read(name)
        end = shape[0] if end is None else end
        found: list[Tensor] = []
        at = begin
        for start, path in sorted(self.places[name]):
            values = self.open[path].read(name)
            if start <= at < min(end, start + len(values)):
                found.append(values[at - start : end - start])
                at += len(found[-1])
        if at < end:
            raise CheckpointError(
                "The checkpoint {folder} lacks rows {begin} to {end} of {name!r}.",
                folder=self.folder,
                begin=at,
                end=end,
                name=name,
            )
        return torch.cat(found) if found else self.open[self.places[name][0][1]].read(name)[:0]


def check(path: Path, part: Mapping[str, Any]) -> None:
    if not path.is_file() or path.stat().st_size != part["bytes"] or sha256(path) != part["sha256"]:
        raise CheckpointError(
            "{path} is missing or damaged: it is not what its manifest says. Remove the folder {folder} to go on from "
            "the checkpoint before it.",
            path=path,
            folder=path.parent,
        )


def newest(folder: Path) -> Saved | None:
    """The checkpoint to go on from; None if there is none.

    Raises:
        CheckpointError: if the newest is damaged: it says which folder to remove.
    """
    found = steps(folder)
    return Saved(found[-1][1]) if found else None


def differences(wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """What is not the same in two records, as "name: found, wanted"."""
    return [f"{name}: {found.get(name)!r}, {value!r}" for name, value in wanted.items() if found.get(name) != value]


def require_same(wanted: Mapping[str, object], saved: Saved) -> None:
    """Refuse to go on with another run.

    Raises:
        TrainingError: naming all that is not the same.
    """
    found = differences(wanted, saved.record["run"])
    if found:
        raise TrainingError(
            "{folder} belongs to another run (there, here): {differences}. Choose another folder, or "
            "ask for what it was.",
            folder=saved.folder,
            differences="; ".join(found),
        )
