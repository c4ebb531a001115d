"""An encoder-decoder's headers: the configuration names its layout, which says what model it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.base.errors import ArchitectureError, CheckpointError
from unmask.checkpoints.rules import Rules
from unmask.checkpoints.source import TensorSource
from unmask.checkpoints.weights import open_weights
from unmask.families.fields import Fields
from unmask.families.files import read_json
from unmask.families.open import check_depth
from unmask.families.translators import LAYOUTS, PairSpec
from unmask.quantization.folder import Whole


@dataclass(frozen=True)
class Opened:
    """A folder's headers, before any weight is read."""

    path: Path
    family: str
    fields: Fields
    source: TensorSource
    spec: PairSpec

    @property
    def rules(self) -> Rules:
        return LAYOUTS[self.family].rules(self.spec)


def open_seq2seq(folder: Path, *, allow_pickle: bool = False) -> Opened:
    """Read the headers of a folder.

    Raises:
        ArchitectureError: if it holds no encoder-decoder that we have.
        CheckpointError: if the files are not what they claim to be.
    """
    config = read_json(folder / "config.json")
    name = Fields("config.json", config).text("model_type")
    if name not in LAYOUTS:
        raise ArchitectureError(
            "{where} is of model_type {name!r}, none of the encoder-decoders that unmask has; these are {known}.",
            where=folder / "config.json",
            name=name,
            known=", ".join(LAYOUTS),
        )
    source = open_weights(folder, allow_pickle=allow_pickle)
    fields = Fields("config.json", config, source=Whole(source))
    spec = LAYOUTS[name].spec(fields)
    check_depth(fields.where, spec.depth, Whole(source))
    return Opened(folder, name, fields, source, spec)


def ids_of(opened: Opened, ids: Sequence[int]) -> Sequence[int]:
    """The ids, all of which the model can write.

    Raises:
        CheckpointError: if one is none of its tokens.
    """
    vocab = opened.spec.vocab
    for token_id in ids:
        if not 0 <= token_id < vocab:
            raise CheckpointError(
                "{path}: config.json or generation_config.json names token {id}, and the model writes {vocab}, from 0 "
                "on. The configuration and the weights are not of the same model.",
                path=opened.path,
                id=token_id,
                vocab=vocab,
            )
    return ids


def forbidden(opened: Opened, words: object) -> list[int]:
    """What `bad_words_ids` lists.

    Raises:
        CheckpointError: if that is no list of single tokens.
    """
    ids: list[int] = []
    for word in words if isinstance(words, list) else [words]:
        if not (isinstance(word, list) and len(word) == 1 and type(word[0]) is int):
            raise CheckpointError(
                "{path}: bad_words_ids holds {word!r:.60}; only lists of one token id each are supported.",
                path=opened.path,
                word=word,
            )
        ids.append(word[0])
    return ids
