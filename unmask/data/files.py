"""A text file's characters, whether it is packed or not; what is no text is told apart, and where."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from unmask.base.errors import DataError, MissingExtra

BLOCK = 1 << 20  # bytes read at a time
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def characters(path: Path) -> Iterator[str]:
    """The file's text in blocks: UTF-8, or UTF-16 if it begins with the mark of that; `.gz` and `.zst` are unpacked.

    Raises:
        DataError: if it is no text, is damaged or cannot be read; says at which byte (of the unpacked file).
        MissingExtra: if the file is `.zst` and zstandard is not installed.
    """
    with opened(path) as file:
        block = file.read(BLOCK)
        mark = next((mark for mark in MARKS if block.startswith(mark)), b"")
        decoder = codecs.getincrementaldecoder(MARKS.get(mark, "utf-8"))()
        at, block = len(mark), block[len(mark) :]
        while True:
            held = len(decoder.getstate()[0])  # bytes of a character that the last block ended in
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise not_text(path, at - held + error.start) from error
            if "\0" in text:
                before = text[: text.index("\0")].encode(MARKS.get(mark, "utf-8"))
                raise not_text(path, at - held + len(before))
            yield text
            if not block:
                return
            at += len(block)
            block = file.read(BLOCK)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The file's lines, counted from 1, without their ends.

    Raises:
        DataError: as `characters` does.
        MissingExtra: as `characters` does.
    """
    number, rest = 1, ""
    for text in characters(path):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield number, line.removesuffix("\r")
            number += 1
    if rest:
        yield number, rest.removesuffix("\r")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                yield cast(IO[bytes], file)
        elif path.suffix == ".zst":
            library = zstandard()
            try:
                # Several frames, as parallel packers write them, are one file.
                with (
                    path.open("rb") as packed,
                    library.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as file,
                ):
                    yield file
            except library.ZstdError as error:
                raise damaged(path, error) from error
        else:
            with path.open("rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise DataError(
            "{file} cannot be read: {reason}. Check the place and its permissions.", file=path, reason=error.strerror
        ) from error


def zstandard() -> Any:
    try:
        return import_module("zstandard")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Files packed as .zst need {package}. Run: pip install 'unmask[zst]'", package=error.name
        ) from error


def damaged(path: Path, error: Exception) -> DataError:
    return DataError("{file} is damaged: {reason:.200}. Pack it anew, or get it again.", file=path, reason=str(error))


def not_text(path: Path, offset: int) -> DataError:
    return DataError(
        "{file} is no text: byte {offset} (of the unpacked file, from 0) is not UTF-8, or is a NUL. "
        "Leave the file out, or convert it to UTF-8.",
        file=path,
        offset=offset,
    )
