"""Lazy reader of GGUF, in which every size is checked against the file before anything is made of it.

A file is: magic, version, two counts; metadata (key, type, value); tensors (name, dimensions, type, offset); padding;
the tensors' bytes, each at a multiple of the alignment.

Source: the GGUF specification, versions 2 and 3; ggml lists dimensions with the fastest one first, torch last.
"""

from __future__ import annotations

import math
import mmap
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unmask.base.errors import CheckpointError, FormatError
from unmask.checkpoints.cursor import Cursor
from unmask.checkpoints.ggml import FORMATS, NAMES, dequantize
from unmask.checkpoints.source import TensorInfo

MAGIC = b"GGUF"
VERSIONS = (2, 3)
LARGEST_RANK = 4
USUAL_ALIGNMENT = 32

# The fewest bytes of a metadata entry (empty key, type, one byte) and of a tensor entry (empty name, one dimension).
SMALLEST_VALUE = 8 + 4 + 1
SMALLEST_TENSOR = 8 + 4 + 8 + 4 + 8


@dataclass(frozen=True)
class Gguf:
    """A TensorSource with the file's metadata. Tensors come as float32, whatever they are stored as."""

    path: Path
    metadata: Mapping[str, object]
    tensors: Mapping[str, TensorInfo]
    places: Mapping[str, slice]  # tensor name -> its bytes in the file
    data: Tensor  # the whole file, uint8, privately mapped
    mapped: mmap.mmap | None  # that mapping; None for an empty file

    def read(self, name: str) -> Tensor:
        info = self.tensors[name]
        weights = dequantize(self.data[self.places[name]], info.dtype).view(info.shape)
        # A vector is copied out: sharing a few numbers would keep the whole file in memory.
        return weights.clone() if len(info.shape) == 1 else weights

    def rows(self, name: str) -> Tensor:
        """A matrix's stored bytes, a row of blocks a row: uint8 [N, bytes], mapped."""
        return self.data[self.places[name]].view(self.tensors[name].shape[0], -1)

    def release(self, name: str) -> None:
        """Let go of the memory that holds a tensor's bytes, which nobody may share; they can be read again."""
        first = -(-self.places[name].start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = self.places[name].stop - first
        if sys.platform == "linux" and self.mapped is not None and length >= mmap.PAGESIZE:
            self.mapped.madvise(mmap.MADV_DONTNEED, first, length // mmap.PAGESIZE * mmap.PAGESIZE)


@dataclass(frozen=True)
class Entry:
    """A tensor's line in the header: its bytes, from where in the data, and at which byte of the file that is said."""

    info: TensorInfo
    size: int
    offset: int
    at: int


def open_gguf(path: Path) -> Gguf:
    """Map the file and read its header.

    Raises:
        CheckpointError: if there is no such file.
        FormatError: if the file breaks the format or uses a tensor type that is not supported; says at which byte.
    """
    if not path.is_file():
        raise CheckpointError("{path}: no such weight file. Fetch the model again, or correct the name.", path=path)
    mapped, data = None, torch.empty(0).byte()
    if path.stat().st_size:
        # Copy-on-write, so that tensors can share it and nobody can change the file through them.
        with path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        data = torch.frombuffer(mapped, dtype=torch.uint8)
    cursor = Cursor(path, data.numpy().data)
    check_start(cursor)
    tensor_count, value_count = cursor.number("Q"), cursor.number("Q")
    metadata = read_metadata(cursor, value_count)
    alignment = read_alignment(cursor, metadata)
    entries = read_entries(cursor, tensor_count)
    start = cursor.at + -cursor.at % alignment
    places = {name: place(cursor, name, entry, start, alignment) for name, entry in entries.items()}
    infos = {name: entry.info for name, entry in entries.items()}
    return Gguf(path=path, metadata=metadata, tensors=infos, places=places, data=data, mapped=mapped)


def check_start(cursor: Cursor) -> None:
    """Step over the magic and the version."""
    found = bytes(cursor.data[: len(MAGIC)])
    if found != MAGIC:
        raise FormatError(
            "{file}, byte {offset}: not a GGUF file; it starts with {found!r}, not {magic!r}.",
            file=cursor.path,
            offset=0,
            found=found,
            magic=MAGIC,
        )
    cursor.at = len(MAGIC)
    version = cursor.number("I")
    if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
        raise FormatError(
            "{file}, byte {offset}: a big-endian GGUF file; only little-endian ones are read. "
            "Get the little-endian version of the model.",
            file=cursor.path,
            offset=len(MAGIC),
        )
    if version not in VERSIONS:
        raise FormatError(
            "{file}, byte {offset}: GGUF version {version} is not read; versions {known} are.",
            file=cursor.path,
            offset=len(MAGIC),
            version=version,
            known=", ".join(map(str, VERSIONS)),
        )


def read_metadata(cursor: Cursor, count: int) -> dict[str, object]:
    """`count` keys with their values: int, float, bool, str, or lists of those."""
    cursor.expect(count, SMALLEST_VALUE)
    metadata: dict[str, object] = {}
    for _ in range(count):
        at = cursor.at
        key = cursor.text()
        check_new(cursor, key, metadata, at)
        metadata[key] = cursor.value(cursor.number("I"))
    return metadata


def read_alignment(cursor: Cursor, metadata: Mapping[str, object]) -> int:
    alignment = metadata.get("general.alignment", USUAL_ALIGNMENT)
    if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
        raise FormatError(
            "{file}, before byte {offset}: general.alignment is {alignment!r:.40}, not a power of two.",
            file=cursor.path,
            offset=cursor.at,
            alignment=alignment,
        )
    return alignment


def read_entries(cursor: Cursor, count: int) -> dict[str, Entry]:
    """`count` tensor names with what else the header says of each."""
    cursor.expect(count, SMALLEST_TENSOR)
    entries: dict[str, Entry] = {}
    for _ in range(count):
        at = cursor.at
        name = cursor.text()
        check_new(cursor, name, entries, at)
        entries[name] = read_entry(cursor, name, at)
    return entries


def check_new(cursor: Cursor, name: str, known: Mapping[str, object], at: int) -> None:
    if name in known:
        raise FormatError(
            "{file}, byte {offset}: the name {name!r:.100} occurs twice.", file=cursor.path, offset=at, name=name
        )


def read_entry(cursor: Cursor, name: str, at: int) -> Entry:
    rank = cursor.number("I")
    if not 1 <= rank <= LARGEST_RANK:
        raise FormatError(
            "{file}, byte {offset}: tensor {name!r:.100} has {rank:,} dimensions; 1 to {largest} are possible.",
            file=cursor.path,
            offset=at,
            name=name,
            rank=rank,
            largest=LARGEST_RANK,
        )
    dimensions = [cursor.number("Q") for _ in range(rank)]
    type_id, offset = cursor.number("I"), cursor.number("Q")
    type_name = NAMES.get(type_id, str(type_id))
    if type_name not in FORMATS:
        raise FormatError(
            "{file}, byte {offset}: tensor {name!r:.100} is stored as {type}, which is not supported; {known} are. "
            "Get the model in one of these.",
            file=cursor.path,
            offset=at,
            name=name,
            type=type_name,
            known=", ".join(FORMATS),
        )
    block = FORMATS[type_name]
    if 0 in dimensions or dimensions[0] % block.length:
        raise FormatError(
            "{file}, byte {offset}: tensor {name!r:.100} has dimensions {dimensions}, which cannot be cut into {type} "
            "blocks of {length}.",
            file=cursor.path,
            offset=at,
            name=name,
            dimensions=dimensions,
            type=type_name,
            length=block.length,
        )
    info = TensorInfo(shape=tuple(reversed(dimensions)), dtype=type_name)
    return Entry(info, size=math.prod(dimensions) // block.length * block.size, offset=offset, at=at)


def place(cursor: Cursor, name: str, entry: Entry, start: int, alignment: int) -> slice:
    """Where in the file a tensor's bytes are, when the data begins at `start`."""
    if entry.offset % alignment:
        raise FormatError(
            "{file}, byte {offset}: tensor {name!r:.100} begins {begin:,} bytes into the data, which is no multiple of "
            "{alignment}.",
            file=cursor.path,
            offset=entry.at,
            name=name,
            begin=entry.offset,
            alignment=alignment,
        )
    begin = start + entry.offset
    end = begin + entry.size
    if end > len(cursor.data):
        raise FormatError(
            "{file}, byte {offset}: tensor {name!r:.100} ends at byte {end:,}, but the file has {size:,}. "
            "It is cut short or damaged: fetch it again.",
            file=cursor.path,
            offset=entry.at,
            name=name,
            end=end,
            size=len(cursor.data),
        )
    return slice(begin, end)
