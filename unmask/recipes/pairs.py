"""Pairs of texts, one to be read and one to be written: from tables with both, or from files line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.base.errors import DataError
from unmask.data.documents import found, kind, read
from unmask.data.files import lines

TABLES = (".tsv", ".jsonl")


@dataclass(frozen=True)
class Pairs:
    """Texts that belong together by their place."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """All of them, for a vocabulary."""
        yield from self.sources
        yield from self.targets

    @property
    def fingerprint(self) -> str:
        made = hashlib.sha256()
        for text in self.texts():
            made.update(text.encode() + b"\0")
        return made.hexdigest()


def read_pairs(data: Sequence[Path], *, source: str, target: str) -> Pairs:
    """
    Args:
        data: tables that have the columns `source` and `target`; and plain files two by two, whose lines belong
            together, as Moses has them: what is read before what is written. Of a folder, its files by name.
    Raises:
        DataError: if a file cannot be read so, or a line of one file has none in the other.
    """
    listed = [file for path in data for file in (found(path) if path.is_dir() else [path])]
    plain = [path for path in listed if kind(path) not in TABLES]
    tables = [path for path in listed if kind(path) in TABLES]
    if len(plain) % 2:
        raise DataError(
            "Pairs of texts are read from tables ({known}) or from plain files two by two, whose lines belong "
            "together; there are {count} plain files: {files}.",
            known=", ".join(TABLES),
            count=len(plain),
            files=", ".join(map(str, plain)),
        )
    sides: tuple[list[str], list[str]] = ([], [])
    for side, field in zip(sides, (source, target), strict=True):
        side += [document.text for document in read(tables, field=field)]
    for files in zip(plain[::2], plain[1::2], strict=True):
        first, second = ([line for _, line in lines(path)] for path in files)
        if len(first) != len(second):
            raise DataError(
                "{files} have {sources} and {targets} lines; each line of one needs one in the other. Check the files.",
                files=", ".join(map(str, files)),
                sources=len(first),
                targets=len(second),
            )
        sides[0].extend(first)
        sides[1].extend(second)
    return Pairs(tuple(sides[0]), tuple(sides[1]))


def split(pairs: Pairs, share: float) -> tuple[Pairs, Pairs]:
    """Those to learn from, and about that share to judge by: by a hash of what is read, so that none is in both.

    Raises:
        DataError: if one of the two is empty.
    """
    parts: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for pair in zip(pairs.sources, pairs.targets, strict=True):
        chance = int.from_bytes(hashlib.sha256(pair[0].encode()).digest()[:8]) / 2**64
        parts[chance < share].append(pair)
    if not all(parts):
        raise DataError(
            "Of {count} pairs of texts, {learning} are to learn from and {held} to judge by; give more, or set another "
            "validation.",
            count=len(pairs.sources),
            learning=len(parts[0]),
            held=len(parts[1]),
        )
    first, second = (Pairs(*zip(*part, strict=True)) for part in parts)
    return first, second
