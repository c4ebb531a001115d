"""The two tokenizers of a model that turns one text into another: of what it reads, and of what it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tokenizers

from unmask.text.formats import read_folder
from unmask.text.marian import MarianTokenizer, is_marian, read_marian, write_marian
from unmask.text.save import write_folder
from unmask.text.surround import T5, surround
from unmask.text.tokenizer import Tokenizer

TARGET = "target"
"""The folder in a model's folder that holds the second tokenizer, where there are two."""


def read_pair(folder: Path) -> tuple[Tokenizer | None, Tokenizer | None]:
    """The tokenizers of the source and of the target; one object where one serves both, None where there is none.

    The end follows each text that is encoded with special tokens.

    Raises:
        TokenizerError: if a file cannot be read, or a tokenizer is of a kind that we do not read.
    """
    if is_marian(folder):
        return read_marian(folder)
    source = read_folder(folder)
    target = read_folder(folder / TARGET) if (folder / TARGET).is_dir() else None
    source, target = (None if each is None else ended(each) for each in (source, target))
    return source, target or source


def write_pair(source: Tokenizer | None, target: Tokenizer | None, folder: Path) -> None:
    """Write the tokenizers so that `read_pair` finds them.

    Raises:
        StorageError: if the disk is full or a folder cannot be written.
    """
    if isinstance(source, MarianTokenizer):
        write_marian(source, folder)
        return
    if source is not None:
        write_folder(ended(source), None, folder)
    if target is not None and target is not source:
        write_folder(ended(target), None, folder / TARGET)


def ended(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer if it ends a text with its end token, else a copy that does, if it has one."""
    if not tokenizer.ends or set(tokenizer.encode("").ids) & tokenizer.ends:
        return tokenizer
    backend = tokenizers.Tokenizer.from_str(tokenizer.backend.to_str())
    surround(backend, {"eos": min(tokenizer.ends)}, T5)
    return replace(tokenizer, backend=backend)
