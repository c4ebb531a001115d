"""Documents to a folder of token shards that is whole or not there."""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np

from unmask.base.errors import DataError
from unmask.base.files import atomic, storage_errors
from unmask.data.corpus import FORMAT, MANIFEST, load_manifest, tokenizer_fingerprint
from unmask.data.documents import Document, Documents
from unmask.data.series import SeriesWriter
from unmask.data.sifting import USUAL, Preparation, sift
from unmask.data.tokens import Encoder, Tokens
from unmask.text.tokenizer import Tokenizer

TRAIN, VALIDATION = "train", "validation"
BATCH = 1 << 20  # characters that are encoded together


@dataclass(frozen=True)
class Tally:
    """How far a preparation is.

    Args:
        read: documents read.
        dropped: reason -> documents left out.
        characters: of what was kept.
        tokens: made of it.
    """

    read: int
    dropped: dict[str, int]
    characters: int
    tokens: int


Progress = Callable[[Tally], None]


def unseen(tally: Tally) -> None:
    """Nobody looks."""


def prepare(
    documents: Documents | Sequence[Document],
    tokenizer: Tokenizer,
    folder: Path,
    preparation: Preparation = USUAL,
    *,
    progress: Progress = unseen,
) -> None:
    """Make `folder` a corpus; nothing is done if it is one already, of the same documents made in the same way.

    It is made beside the folder and moved there when it is whole: what a crash leaves is cleared away by the next try.

    Raises:
        DataError: if the folder holds something else, no document is left, or a split is without one.
        StorageError: if the disk is full.
        TokenizerError: if a text cannot be spelled.
        MissingExtra: if Chinese words are asked for and rjieba is not installed.
    """
    if not 0 <= preparation.validation < 1:
        raise DataError(
            "The share of documents held out is {share}; it must be from 0 to below 1.", share=preparation.validation
        )
    made = fingerprint(documents, tokenizer, preparation)
    if is_there(folder, made):
        return
    with staged(folder) as place:
        manifest = write(documents, tokenizer, place, preparation, progress) | {"fingerprint": made}
        with atomic(place / MANIFEST) as stream:
            stream.write(json.dumps(manifest, indent=1, ensure_ascii=False).encode())


def write(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    place: Path,
    preparation: Preparation,
    progress: Progress,
) -> dict[str, Any]:
    """The splits' files; what the manifest says of them."""
    encoder = Encoder(tokenizer, words=preparation.words, sentences=preparation.sentences)
    names = [TRAIN, *[VALIDATION] * (preparation.validation > 0)]
    splits = {name: SplitWriter(place / name, encoder, preparation) for name in names}
    counts: Counter[str] = Counter()
    sent: deque[list[tuple[str, str]]] = deque()  # split and text of what is with the encoder
    characters = 0

    def texts() -> Iterator[list[str]]:
        for batch in batches(
            each for text in sift(documents, preparation, counts) for each in parted(text, preparation)
        ):
            sent.append(batch)
            yield [text for _, text in batch]

    for tokens in encoder.all(texts()):
        batch = sent.popleft()
        found = [(split, text, each) for (split, text), each in zip(batch, tokens, strict=True) if len(each.ids)]
        counts["without tokens"] += len(batch) - len(found)
        for name, writer in splits.items():
            writer.append([each for split, _, each in found if split == name])
        characters += sum(len(text) for _, text, _ in found)
        progress(told(counts, characters, splits))
    for name, writer in splits.items():
        if not writer.documents:
            raise without_documents(name, counts)
        writer.close()
    return {
        "format": FORMAT,
        "tokenizer": tokenizer_fingerprint(tokenizer),
        "vocab": tokenizer.size,
        **asdict(told(counts, characters, splits)),
        "splits": {name: writer.manifest() for name, writer in splits.items()},
    }


def parted(text: str, preparation: Preparation) -> list[tuple[str, str]]:
    """The split that a text belongs to, and the text; or its two ends, each in its own."""
    if preparation.tail and preparation.validation > 0:
        cut = int(len(text) * (1 - preparation.validation))
        parts = [(TRAIN, text[:cut]), (VALIDATION, text[cut:])]
        return [(split, part) for split, part in parts if part]
    chance = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) / 2**64
    return [(VALIDATION if chance < preparation.validation else TRAIN, text)]


def batches(texts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Texts put together until they are BATCH characters."""
    batch: list[tuple[str, str]] = []
    size = 0
    for each in texts:
        batch.append(each)
        size += len(each[1])
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def told(counts: Counter[str], characters: int, splits: Mapping[str, SplitWriter]) -> Tally:
    dropped = {reason: count for reason, count in sorted(counts.items()) if count and reason != "read"}
    return Tally(counts["read"], dropped, characters, sum(writer.tokens for writer in splits.values()))


def without_documents(split: str, counts: Counter[str]) -> DataError:
    left_out = told(counts, 0, {}).dropped
    dropped = ", ".join(f"{reason} {count}" for reason, count in left_out.items()) or "-"
    if counts["read"] == sum(left_out.values()):
        return DataError(
            "No document is left to learn from: of {read} read, these were left out: {dropped}. "
            "Give other text, or ask for less.",
            read=counts["read"],
            dropped=dropped,
        )
    return DataError(
        "None of the documents came into the split {split!r}: {read} were read, left out were {dropped}. "
        "Give more documents, read the files by paragraph, or hold out the tail of each document.",
        split=split,
        read=counts["read"],
        dropped=dropped,
    )


class SplitWriter:
    """The files of one split."""

    def __init__(self, folder: Path, encoder: Encoder, preparation: Preparation) -> None:
        with storage_errors(folder):
            folder.mkdir()
        limit = preparation.shard
        self.series = {
            "tokens": SeriesWriter(folder, "tokens", encoder.dtype, limit),
            "bounds": SeriesWriter(folder, "bounds", "<i8", limit),
        }
        if preparation.sentences:
            self.series["sentences"] = SeriesWriter(folder, "sentences", "<i8", limit)
        if preparation.words:
            self.series["heads"] = SeriesWriter(folder, "heads", "|u1", limit)

    @property
    def tokens(self) -> int:
        return self.series["tokens"].size

    @property
    def documents(self) -> int:
        return self.series["bounds"].size

    def append(self, documents: Sequence[Tokens]) -> None:
        lengths = np.array([len(each.ids) for each in documents], np.int64)
        begins = self.tokens + lengths.cumsum() - lengths
        self.series["bounds"].append(begins)
        if documents:
            self.series["tokens"].append(np.concatenate([each.ids for each in documents]))
        heads = [each.heads for each in documents if each.heads is not None]
        if heads:
            self.series["heads"].append(np.concatenate(heads))
        starts = zip(begins, (each.sentences for each in documents), strict=True)
        sentences = [begin + each for begin, each in starts if each is not None]
        if sentences:
            self.series["sentences"].append(np.concatenate(sentences))

    def close(self) -> None:
        for name in ("bounds", "sentences"):
            if name in self.series:
                self.series[name].append(np.array([self.tokens]))
        for series in self.series.values():
            series.close()

    def manifest(self) -> dict[str, Any]:
        return {name: series.manifest() for name, series in self.series.items()}


def fingerprint(documents: Documents | Sequence[Document], tokenizer: Tokenizer, preparation: Preparation) -> str:
    """Changes if the documents, their tokens or the way in which a corpus is made of them does."""
    quality = "" if preparation.quality is None else preparation.quality.fingerprint
    rest = replace(preparation, quality=None)
    made = sha256(f"{FORMAT}/{tokenizer_fingerprint(tokenizer)}/{rest}/{quality}".encode())
    if isinstance(documents, Documents):
        made.update(documents.fingerprint.encode())
    else:
        for document in documents:
            made.update(sha256(document.text.encode("utf-8", "surrogatepass")).digest())
    return made.hexdigest()


def is_there(folder: Path, made: str) -> bool:
    """Whether the folder is this corpus already.

    Raises:
        DataError: if it is something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / MANIFEST).is_file():
        raise DataError("{folder} is not empty and holds no corpus. Choose another folder.", folder=folder)
    if load_manifest(folder)[0].get("fingerprint") != made:
        raise DataError(
            "{folder} holds a corpus made of other documents, or in another way. Choose another folder, or remove it.",
            folder=folder,
        )
    return True


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, which becomes it at the end of the block, or is removed."""
    clear(folder)
    place = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with storage_errors(folder):
        place.mkdir(parents=True)
        try:
            yield place
            place.rename(folder)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove what processes that are no more left behind."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):
        number = left.suffixes[-2][1:]
        if number.isdecimal() and not alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()
