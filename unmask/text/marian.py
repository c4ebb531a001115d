"""Marian's tokenizers: each side has a SentencePiece model that cuts, and vocab.json numbers the pieces of both.

Source: OPUS-MT's files as transformers' port lays them out; each is read as that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, processors

from unmask.base.errors import TokenizerError
from unmask.base.files import atomic
from unmask.text.pieces import CONTROL, UNUSED, mark_pieces
from unmask.text.screening import check_growth
from unmask.text.sentencepiece_model import read_pieces
from unmask.text.settings import Settings
from unmask.text.tokenizer import Tokenizer, mark, strange

CUTTERS = ("source.spm", "target.spm")
NUMBERS, TARGET_NUMBERS = "vocab.json", "target_vocab.json"
FILES = (*CUTTERS, NUMBERS, TARGET_NUMBERS, "tokenizer_config.json", "special_tokens_map.json")
SPECIALS = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


@dataclass(frozen=True, eq=False)
class MarianTokenizer(Tokenizer):
    """One of the two. Its backend cuts a text, and has numbers of its own, which mean nothing here.

    A piece that the backend does not know may still have a number, being one of the other side's: so names go through.

    Args:
        vocabulary: the number of each piece.
        files: all that both were read from, by name, as they are to be written again.
    """

    vocabulary: Mapping[str, int] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def pieces(self) -> dict[int, str]:
        return {number: piece for piece, number in self.vocabulary.items()}

    @cached_property
    def size(self) -> int:
        return max(self.pieces) + 1

    @cached_property
    def controls(self) -> frozenset[int]:
        return frozenset(self.vocabulary[text] for text in self.specials.values() if text in self.vocabulary)

    def numbers(self, encoding: tokenizers.Encoding) -> list[int]:
        unknown = self.vocabulary[self.specials["unk_token"]]
        return [self.vocabulary.get(piece, unknown) for piece in encoding.tokens]

    def numbered(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        found = self.backend.encode_batch(list(texts), add_special_tokens=special)
        return [self.numbers(each) for each in found]

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        pieces = [self.token(each) for each in ids if not (skip_special and each in self.controls)]
        return str(self.backend.decoder.decode(pieces)).strip()

    def token(self, token_id: int) -> str:
        if token_id not in self.pieces:
            raise strange(token_id, self.size)
        return self.pieces[token_id]

    def id(self, token: str) -> int | None:
        return self.vocabulary.get(token)


def is_marian(folder: Path) -> bool:
    """Whether a folder holds such a pair."""
    return (folder / CUTTERS[0]).is_file()


def read_marian(folder: Path) -> tuple[MarianTokenizer, MarianTokenizer]:
    """The tokenizers of the source and of the target.

    Raises:
        TokenizerError: if a file is missing, cannot be read, or does not hold what it should.
    """
    settings = Settings(folder, SPECIALS)
    files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}
    apart = bool(settings.config.get("separate_vocabs", False))
    numbers = (NUMBERS, TARGET_NUMBERS if apart else NUMBERS)
    for name in (*CUTTERS, *numbers):
        if name not in files:
            raise TokenizerError(
                "{folder} has a {have}, but no {file}. Get the model's files again.",
                folder=folder,
                have=CUTTERS[0],
                file=name,
            )
    source, target = (
        side(folder / cutter, vocabulary(folder / file, settings), settings, files)
        for cutter, file in zip(CUTTERS, numbers, strict=True)
    )
    return source, target


def side(path: Path, vocabulary: Mapping[str, int], settings: Settings, files: Mapping[str, bytes]) -> MarianTokenizer:
    """The tokenizer of one side, whose SentencePiece model is in `path`."""
    specials = settings.specials
    end = specials["eos_token"]
    backend = cutter(path)
    codes = [piece for piece in vocabulary if piece.startswith(">>") and piece.endswith("<<")]
    mark(backend, [AddedToken(text, normalized=False, special=True) for text in (*specials.values(), *codes)])
    backend.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", pair=f"$A $B {end}", special_tokens=[(end, backend.token_to_id(end))]
    )
    return MarianTokenizer(
        backend=backend,
        bos=None,
        pad=vocabulary.get(specials["pad_token"]),
        ends=frozenset({vocabulary[end]}),
        specials=specials,
        vocabulary=vocabulary,
        files=files,
    )


def cutter(path: Path) -> tokenizers.Tokenizer:
    """What cuts a text as a SentencePiece model does, which takes no text for one of its control pieces."""
    pieces = read_pieces(path)
    hidden = [kind == CONTROL for kind in pieces.kinds]
    backend_pieces = replace(
        pieces,
        # No text has a blank once it is made ready.
        texts=[f" {text}" if hide else text for text, hide in zip(pieces.texts, hidden, strict=True)],
        kinds=[UNUSED if hide else kind for kind, hide in zip(pieces.kinds, hidden, strict=True)],
    )
    backend = backend_pieces.backend()
    check_growth(backend)
    mark_pieces(backend, backend_pieces)
    return backend


def vocabulary(path: Path, settings: Settings) -> dict[str, int]:
    """The number of each piece.

    Raises:
        TokenizerError: if two have the same, one has none, or a piece that every text needs is missing.
    """
    found = settings.load(path.name)
    taken: set[int] = set()
    for piece, number in found.items():
        if type(number) is not int or number < 0 or number in taken:
            raise TokenizerError(
                "{file}: piece {piece!r:.60} has the number {number!r:.60}; each must have one of its own, from 0 on. "
                "Get the model's files again.",
                file=path,
                piece=piece,
                number=number,
            )
        taken.add(number)
    for name in ("unk", "eos"):
        token = settings.specials[f"{name}_token"]
        if token not in found:
            raise TokenizerError(
                "{folder}: {name}_token is {token!r:.60}, which is not in the vocabulary. Get the model's files again.",
                folder=settings.folder,
                name=name,
                token=token,
            )
    return found


def write_marian(tokenizer: MarianTokenizer, folder: Path) -> None:
    """Write the files of both sides as they were read.

    Raises:
        StorageError: if the disk is full or the folder cannot be written.
    """
    for name, data in tokenizer.files.items():
        with atomic(folder / name) as stream:
            stream.write(data)
