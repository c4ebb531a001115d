"""Lines of text put by on disk while their characters are counted: what must be read twice need not be in memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from unmask.base.files import storage_errors


class Spool:
    """Lines, and how often each character is in them. Made by `spooled`."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.letters: Counter[str] = Counter()

    def put(self, text: str) -> None:
        """Put a text's lines by."""
        self.letters.update(text)
        self.file.write(text + "\n")

    def lines(self) -> Iterator[str]:
        self.file.seek(0)
        for line in self.file:
            yield line.rstrip("\n")

    def commonest(self, count: int) -> list[str]:
        """The characters that are there most often, no blanks, at most `count` of them, in the order of Unicode."""
        seen = [(-number, letter) for letter, number in self.letters.items() if not letter.isspace()]
        return sorted(letter for _, letter in sorted(seen)[:count])


@contextmanager
def spooled(texts: Iterable[str]) -> Iterator[Spool]:
    """The texts' lines on disk, until the end of the block.

    Raises:
        StorageError: if the disk for temporary files is full.
    """
    # Half a character (a lone surrogate) is in no file; what it becomes counts for nothing.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", newline="\n") as file:
        spool = Spool(file)
        with storage_errors(Path(tempfile.gettempdir())):
            for text in texts:
                spool.put(text)
            file.flush()
        yield spool
