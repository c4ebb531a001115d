"""A place in a GGUF header, which moves on only over bytes that are there."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from unmask.base.errors import FormatError

# Metadata type id -> `struct` code of a scalar.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING = 8
ARRAY = 9

LARGEST_DEPTH = 4

# Names, values and tensors in one header. The largest vocabularies with their merges take about 1.5 million; the bound
# keeps a header of millions of empty lists from becoming a hundred times its size in memory.
MOST_VALUES = 1 << 22


class Cursor:
    """Reads little-endian numbers and texts from `data`, the bytes of the file at `path`, from `at` on.

    Raises:
        FormatError: from every method, if the bytes are not there or break the format.
    """

    def __init__(self, path: Path, data: memoryview) -> None:
        self.path = path
        self.data = data
        self.at = 0
        self.values_left = MOST_VALUES

    def require(self, count: int) -> None:
        """There must be `count` more bytes."""
        left = len(self.data) - self.at
        if count > left:
            raise FormatError(
                "{file}, byte {offset}: the header needs {count:,} more bytes here, but the file has {left:,}. "
                "It is cut short or damaged: fetch it again.",
                file=self.path,
                offset=self.at,
                count=count,
                left=left,
            )

    def expect(self, count: int, smallest: int) -> None:
        """There must be room for `count` values of at least `smallest` bytes each, among all that a header may have."""
        most = min((len(self.data) - self.at) // smallest, self.values_left)
        if count > most:
            raise FormatError(
                "{file}, byte {offset}: the header announces {count:,} values here; at most {most:,} are possible. "
                "It is cut short or damaged: fetch it again.",
                file=self.path,
                offset=self.at,
                count=count,
                most=most,
            )
        self.values_left -= count

    def number(self, code: str) -> Any:
        """One scalar by its `struct` code."""
        return self.numbers(code, 1)[0]

    def numbers(self, code: str, count: int) -> list[Any]:
        layout = struct.Struct(f"<{count}{code}")
        self.require(layout.size)
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return list(values)

    def text(self) -> str:
        return self.texts(1)[0]

    def texts(self, count: int) -> list[str]:
        """`count` strings, each a length and its UTF-8 bytes. Written for speed: a vocabulary has 100,000 of them."""
        data, end, length_of = self.data, len(self.data), struct.Struct("<Q").unpack_from
        texts = []
        for _ in range(count):
            begin = self.at + 8
            if begin > end:
                self.require(8)
            stop = begin + length_of(data, self.at)[0]
            self.at = begin
            if stop > end:
                self.require(stop - begin)
            try:
                texts.append(str(data[begin:stop], "utf-8"))
            except UnicodeDecodeError as error:
                raise FormatError(
                    "{file}, byte {offset}: a text that is not UTF-8. The file is damaged: fetch it again.",
                    file=self.path,
                    offset=begin + error.start,
                ) from error
            self.at = stop
        return texts

    def value(self, type_id: int) -> object:
        """A metadata value of the given type: int, float, bool, str, or a list."""
        if type_id == STRING:
            return self.text()
        if type_id == ARRAY:
            return self.array(depth=1)
        return self.number(self.scalar_code(type_id))

    def array(self, depth: int) -> list[Any]:
        if depth > LARGEST_DEPTH:
            raise FormatError(
                "{file}, byte {offset}: lists within lists, more than {depth} deep.",
                file=self.path,
                offset=self.at,
                depth=LARGEST_DEPTH,
            )
        type_id, count = self.number("I"), self.number("Q")
        if type_id == STRING:
            self.expect(count, 8)
            return self.texts(count)
        if type_id == ARRAY:
            self.expect(count, 4 + 8)
            return [self.array(depth + 1) for _ in range(count)]
        code = self.scalar_code(type_id)
        self.expect(count, struct.calcsize(f"<{code}"))
        return self.numbers(code, count)

    def scalar_code(self, type_id: int) -> str:
        if type_id not in SCALARS:
            raise FormatError(
                "{file}, byte {offset}: unknown metadata type {type}.",
                file=self.path,
                offset=self.at,
                type=type_id,
            )
        return SCALARS[type_id]
