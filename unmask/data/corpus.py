"""A prepared corpus: the tokens of many documents in a row, mapped into memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.base.errors import DataError
from unmask.data.series import Series
from unmask.text.tokenizer import Tokenizer

MANIFEST, FORMAT = "corpus.json", 1


@dataclass(frozen=True, eq=False)
class Corpus:
    """One split of a prepared folder, read-only. Made by `Corpus.open`.

    Its documents stand one after the other, each ended by the tokenizer's end where it has one.

    Args:
        fingerprint: changes if the corpus or the split does.
        vocab: tokens of the tokenizer that made it.
        tokens: how many there are.
        documents: how many there are.
    """

    folder: Path
    split: str
    fingerprint: str
    vocab: int
    tokens: int
    documents: int
    series: dict[str, Series]

    @classmethod
    def open(cls, folder: Path, split: str = "train", *, tokenizer: Tokenizer | None = None) -> Corpus:
        """
        Args:
            split: "train" or "validation".
            tokenizer: the one that is meant to read the tokens.
        Raises:
            DataError: if there is no such corpus or split, it is damaged as far as sizes tell (`verify` looks at all
                of it), or was made with another tokenizer.
        """
        manifest, data = load_manifest(folder)
        if tokenizer is not None and tokenizer_fingerprint(tokenizer) != manifest["tokenizer"]:
            raise DataError(
                "{folder} was made with another tokenizer, of {vocab} tokens; this one has {size}. "
                "Prepare the corpus with this one, or give the other.",
                folder=folder,
                vocab=manifest["vocab"],
                size=tokenizer.size,
            )
        if split not in manifest["splits"]:
            raise DataError(
                "{folder} has no split {split!r:.60}; it has {known}. Prepare it with a share held out.",
                folder=folder,
                split=split,
                known=", ".join(manifest["splits"]),
            )
        parts = {name: Series(folder / split, each) for name, each in manifest["splits"][split].items()}
        return cls(
            folder=folder,
            split=split,
            fingerprint=sha256(split.encode() + data).hexdigest(),
            vocab=manifest["vocab"],
            tokens=parts["tokens"].size,
            documents=parts["bounds"].size - 1,
            series=parts,
        )

    def slice(self, begin: int, end: int) -> NDArray[np.int64]:
        """Tokens begin..end of the row: int64 [end - begin]."""
        return self.series["tokens"].slice(begin, end).astype(np.int64)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where each document begins, and at last where the last one ends: int64 [documents + 1]."""
        series = self.series["bounds"]
        return series.slice(0, series.size)

    def document(self, index: int) -> NDArray[np.int64]:
        """The tokens of a document, its end included: int64 [n]."""
        return self.slice(int(self.bounds[index]), int(self.bounds[index + 1]))

    @cached_property
    def sentences(self) -> NDArray[np.int64] | None:
        """Where each sentence begins, and at last where the last one ends: int64 [S + 1]; None if not prepared so."""
        series = self.series.get("sentences")
        return None if series is None else series.slice(0, series.size)

    def heads(self, begin: int, end: int) -> NDArray[np.bool_] | None:
        """Whether each of the tokens begin..end begins a word: [end - begin]; None if not prepared so."""
        series = self.series.get("heads")
        return None if series is None else series.slice(begin, end).astype(np.bool_)

    def verify(self) -> None:
        """Read all of it.

        Raises:
            DataError: if a file is not what was written; says which.
        """
        for series in self.series.values():
            series.verify()


def load_manifest(folder: Path) -> tuple[dict[str, Any], bytes]:
    """What a corpus's folder says of it, and the bytes that say it.

    Raises:
        DataError: if there is no corpus, or one of another time.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError("{folder} holds no corpus: there is no {name} in it.", folder=folder, name=MANIFEST)
    data = path.read_bytes()
    try:
        manifest: dict[str, Any] = json.loads(data)
        known = manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "{file} is damaged: {reason:.200}. Prepare the corpus anew.", file=path, reason=repr(error)
        ) from error
    if not known:
        raise DataError(
            "{file} is of format {format!r:.20}; this version reads {known}. Prepare the corpus anew.",
            file=path,
            format=manifest["format"],
            known=FORMAT,
        )
    return manifest, data


def tokenizer_fingerprint(tokenizer: Tokenizer) -> str:
    """Changes if a text's tokens may do so."""
    ends = ",".join(map(str, sorted(tokenizer.ends)))
    return sha256(f"{ends}/{tokenizer.backend.to_str()}".encode()).hexdigest()
