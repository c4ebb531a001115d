"""Numbers in files of bounded size, written once from beginning to end and then mapped into memory."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.base.errors import DataError
from unmask.base.files import sha256 as digest
from unmask.base.files import storage_errors


@dataclass(frozen=True)
class SeriesFile:
    """One file of a series, as the manifest has it."""

    name: str
    bytes: int
    sha256: str


class SeriesWriter:
    """Writes numbers one after another into `folder`: `limit` of them a file, the last with what is left.

    Raises:
        StorageError: in all methods, if the disk is full.
    """

    def __init__(self, folder: Path, name: str, dtype: str, limit: int) -> None:
        self.folder, self.name, self.dtype, self.limit = folder, name, np.dtype(dtype), limit
        self.files: list[SeriesFile] = []
        self.size = 0
        self.begin()

    def begin(self) -> None:
        self.path = self.folder / f"{self.name}-{len(self.files):05}.bin"
        self.hash = sha256()
        self.inside = 0

    def append(self, numbers: NDArray[Any]) -> None:
        numbers = numbers.astype(self.dtype, copy=False)
        while len(numbers):
            if self.inside == self.limit:
                self.close()
                self.begin()
            piece, numbers = np.split(numbers, [self.limit - self.inside])
            data = piece.tobytes()
            with storage_errors(self.path), self.path.open("ab") as file:
                file.write(data)
            self.hash.update(data)
            self.inside += len(piece)
            self.size += len(piece)

    def close(self) -> None:
        """See the last file safely on the disk."""
        with storage_errors(self.path), self.path.open("ab") as file:
            os.fsync(file.fileno())
        size = self.inside * self.dtype.itemsize
        self.files.append(SeriesFile(self.path.name, size, self.hash.hexdigest()))

    def manifest(self) -> dict[str, Any]:
        return {
            "dtype": self.dtype.str,
            "size": self.size,
            "limit": self.limit,
            "files": [asdict(each) for each in self.files],
        }


class Series:
    """What a SeriesWriter wrote, mapped into memory.

    Raises:
        DataError: if a file is missing or has another size than the manifest says.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.size, self.limit = int(manifest["size"]), int(manifest["limit"])
        self.dtype = np.dtype(manifest["dtype"])
        self.expected = [(folder / each["name"], SeriesFile(**each)) for each in manifest["files"]]
        self.parts = [self.map(path, each.bytes) for path, each in self.expected]

    def map(self, path: Path, size: int) -> NDArray[Any]:
        found = path.stat().st_size if path.is_file() else -1
        if found != size:
            raise DataError(
                "{file} should have {size} bytes and has {found} (-1: it is not there). Prepare the corpus anew.",
                file=path,
                size=size,
                found=found,
            )
        return np.memmap(path, self.dtype, "r") if size else np.empty(0, self.dtype)

    def slice(self, begin: int, end: int) -> NDArray[Any]:
        """Numbers begin..end: [end - begin]; not to be written to."""
        if begin == end:
            return np.empty(0, self.dtype)
        files = range(begin // self.limit, (end - 1) // self.limit + 1)
        parts = [self.parts[at][max(begin - at * self.limit, 0) : end - at * self.limit] for at in files]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def verify(self) -> None:
        """
        Raises:
            DataError: if a file is not what was written.
        """
        for path, each in self.expected:
            if digest(path) != each.sha256:
                raise DataError("{file} is not what was written to it. Prepare the corpus anew.", file=path)
