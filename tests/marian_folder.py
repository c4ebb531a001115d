"""Marian's tokenizer files in small: two SentencePiece models learnt here, and the numbers of their pieces."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import sentencepiece

ENGLISH = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "A man in a red shirt is standing on the street.",
    "Two children play with a dog in the park; they laugh.",
    "I read 12 books about the history of the city in 1999!",
]
GERMAN = [
    "Der schnelle braune Fuchs springt über den faulen Hund, nicht wahr?",
    "Ein Mann in einem roten Hemd steht auf der Straße.",
    "Zwei Kinder spielen im Park mit einem Hund; sie lachen.",
    "Ich las 12 Bücher über die Geschichte der Größe der Stadt 1999!",
]


def write_marian_files(folder: Path, *, apart: bool = False, codes: Sequence[str] = (), lost: int = 0) -> None:
    """source.spm, target.spm and vocab.json; `apart`: each side has numbers of its own.

    Args:
        codes: languages that a text may begin with.
        lost: every so manieth piece of the source has no number, as rare ones have none.
    """
    sides = {"source": learnt(ENGLISH, folder / "source.spm"), "target": learnt(GERMAN, folder / "target.spm")}
    if lost:
        sides["source"] = [piece for index, piece in enumerate(sides["source"]) if index % lost]
    if apart:
        # The padding has one number in both, since the model's configuration names one.
        write(folder / "vocab.json", numbered(["<pad>", *sides["source"]]))
        write(folder / "target_vocab.json", numbered(["<pad>", *sides["target"]]))
    else:
        write(folder / "vocab.json", numbered([*codes, *sides["source"], *sides["target"], "<pad>"]))
    write(folder / "tokenizer_config.json", {"separate_vocabs": apart, "source_lang": "en", "target_lang": "de"})


def learnt(texts: Sequence[str], path: Path) -> list[str]:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=90, hard_vocab_limit=False, minloglevel=2
    )
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(index) for index in range(3, processor.get_piece_size())]


def numbered(pieces: Sequence[str]) -> dict[str, int]:
    """As Marian has them: the end and the unknown first."""
    return {piece: number for number, piece in enumerate(dict.fromkeys(["</s>", "<unk>", *pieces]))}


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
