"""Files and folders to documents, one at a time: a corpus need not fit in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

from unmask.base import files
from unmask.base.errors import DataError
from unmask.base.registry import nearest
from unmask.data.files import characters, lines

By = Literal["file", "paragraph", "line"]
PACKED = (".gz", ".zst")
LONGEST = 1 << 26
"""Characters of a document."""


@dataclass(frozen=True)
class Document:
    """A text, and where it is from: the file and, where it is not the whole file, the line at which it begins."""

    name: str
    text: str


@dataclass(frozen=True)
class Documents:
    """The documents of some files, read anew each time they are gone through. Made by `read`."""

    files: tuple[Path, ...]
    field: str
    by: By

    def __iter__(self) -> Iterator[Document]:
        for path in self.files:
            yield from READERS[kind(path)](path, self)

    @cached_property
    def fingerprint(self) -> str:
        """Changes if a file or the way to read it does; not with where the files are."""
        made = sha256(f"{self.field}/{self.by}".encode())
        for path in self.files:
            made.update(f"{path.name}/{files.sha256(path)}".encode())
        return made.hexdigest()


def read(paths: Path | Sequence[Path], *, field: str = "text", by: By = "file") -> Documents:
    """The documents in files and in folders with all that is in them, in the order of their names.

    A README and what is hidden are no documents of a folder.

    Args:
        paths: .txt and .md files; .jsonl with an object a line; .tsv with a header and no quoting. Each may be packed
            as .gz or .zst.
        field: which field of an object, or column of a table, is the text.
        by: whether a .txt or .md file is one document, or each paragraph (lines between blank ones) or line is.
    Raises:
        DataError: at once, if a path is not there or holds nothing of these kinds; while reading, if a file is no
            text, is damaged, or breaks its format. Says in which file, and at which line or byte.
        MissingExtra: while reading, if a file is .zst and zstandard is not installed.
    """
    given = [paths] if isinstance(paths, Path) else list(paths)
    return Documents(tuple(file for path in given for file in found(path)), field, by)


def found(path: Path) -> list[Path]:
    """The files that a path leads to."""
    if path.is_file():
        if kind(path) not in READERS:
            raise DataError(
                "{file} is of no kind that is read as text. Known are {known}, each also as .gz or .zst.",
                file=path,
                known=", ".join(READERS),
            )
        return [path]
    if not path.is_dir():
        beside = nearest(path.name, [each.name for each in path.parent.iterdir()]) if path.parent.is_dir() else []
        raise DataError(
            "There is no file or folder {path}. The nearest there: {nearest}.",
            path=path,
            nearest=", ".join(beside) or "-",
        )
    inside = sorted(each for each in path.rglob("*") if each.is_file() and kind(each) in READERS and shown(each, path))
    if not inside:
        raise DataError(
            "The folder {folder} holds no text. Known are files named {known}, each also as .gz or .zst.",
            folder=path,
            known=", ".join(READERS),
        )
    return inside


def kind(path: Path) -> str:
    """The ending that says what is in a file."""
    return path.with_suffix("").suffix if path.suffix in PACKED else path.suffix


def shown(path: Path, folder: Path) -> bool:
    return path.stem != "README" and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def plain(path: Path, how: Documents) -> Iterator[Document]:
    if how.by == "file":
        text = whole(path)
        yield from [Document(str(path), text)] if text else []
        return
    held: list[str] = []
    begin = 0
    for number, line in lines(path):
        if line.strip():
            begin = begin or number
            held.append(line)
        if held and (how.by == "line" or not line.strip()):
            yield Document(f"{path}:{begin}", "\n".join(held))
            held, begin = [], 0
    if held:
        yield Document(f"{path}:{begin}", "\n".join(held))


def whole(path: Path) -> str:
    blocks: list[str] = []
    size = 0
    for block in characters(path):
        blocks.append(block)
        size += len(block)
        if size > LONGEST:
            raise DataError(
                "{file} is one document of more than {limit:,} characters. Read it by paragraph or by line.",
                file=path,
                limit=LONGEST,
            )
    return "".join(blocks).replace("\r\n", "\n")


def objects(path: Path, how: Documents) -> Iterator[Document]:
    """A JSON object a line."""
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                "{file}, line {line}: no JSON: {reason:.200}. Correct the line.",
                file=path,
                line=number,
                reason=str(error),
            ) from error
        if not isinstance(value, dict):
            raise DataError("{file}, line {line}: not a JSON object. Write one a line.", file=path, line=number)
        if how.field not in value:
            raise no_field(path, number, how.field, list(value))
        text = value[how.field]
        if not isinstance(text, str):
            raise DataError(
                "{file}, line {line}: {field!r:.60} is {value!r:.60}, no text. Name another field.",
                file=path,
                line=number,
                field=how.field,
                value=text,
            )
        yield Document(f"{path}:{number}", mended(text))


def table(path: Path, how: Documents) -> Iterator[Document]:
    """Columns between tabs, the first line their names."""
    rows = lines(path)
    header = next(rows, (1, ""))[1].split("\t")
    if how.field not in header:
        raise no_field(path, 1, how.field, header)
    column = header.index(how.field)
    for number, line in rows:
        cells = line.split("\t")
        if len(cells) != len(header):
            raise DataError(
                "{file}, line {line}: {cells} columns, but the header has {columns}. Correct the line.",
                file=path,
                line=number,
                cells=len(cells),
                columns=len(header),
            )
        yield Document(f"{path}:{number}", cells[column])


def mended(text: str) -> str:
    """The text with U+FFFD for halves of characters, which JSON can spell."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def no_field(path: Path, line: int, field: str, known: list[str]) -> DataError:
    return DataError(
        "{file}, line {line}: there is no {field!r:.60}. Did you mean {nearest!r:.60}? Known are {known:.300}.",
        file=path,
        line=line,
        field=field,
        nearest=next(iter(nearest(field, known)), ""),
        known=", ".join(known),
    )


READERS = {".txt": plain, ".md": plain, ".jsonl": objects, ".tsv": table}
