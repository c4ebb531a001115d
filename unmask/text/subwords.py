"""WordPiece and Unigram vocabularies learnt so that the same text gives the same one.

The library's trainers number letters in the order in which a hash table has them, which is another in each process;
here letters are counted first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import tokenizers
from tokenizers import models, normalizers, trainers
from tokenizers.pre_tokenizers import BertPreTokenizer, Metaspace, UnicodeScripts
from tokenizers.pre_tokenizers import Sequence as Steps

from unmask.base.errors import TokenizerError
from unmask.text.pieces import BLANK, BYTE, CONTROL, NORMAL, UNKNOWN, Pieces
from unmask.text.spool import Spool, spooled
from unmask.text.tokenizer import library_failure
from unmask.text.wordpiece import GOES_ON

BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
DIGITS = 6
"""Of a score that are kept: in which order the library's threads add must not show."""
STEP = 1e-4


def check_room(vocab: int, least: int) -> None:
    if vocab < least:
        raise TokenizerError(
            "A vocabulary of {vocab} tokens is too small: special tokens and single letters alone take {least}. "
            "Set vocab to {least} or more.",
            vocab=vocab,
            least=least,
        )


def fed(backend: tokenizers.Tokenizer, texts: Iterator[str], trainer: trainers.Trainer) -> None:
    """Let the library learn.

    Raises:
        TokenizerError: if it fails at it.
    """
    try:
        backend.train_from_iterator(texts, trainer)
    except BaseException as error:
        raise TokenizerError(
            "No vocabulary can be learnt from this text: {reason:.200}. Give more text, or another vocab.",
            reason=str(library_failure(error)),
        ) from error


def word_vocabulary(texts: Iterator[str], vocab: int, names: Sequence[str]) -> dict[str, int]:
    """The pieces of words, `names` first; letters that would take more than half of the room are left out."""
    room = vocab - len(names)
    check_room(vocab, len(names) + 2)
    normalizer = normalizers.BertNormalizer(lowercase=True)
    with spooled(normalizer.normalize_str(text) for text in texts) as spool:
        letters = spool.commonest(room // 2)  # each may be there twice: at the beginning of a word, and in it
        inner = sorted(within(spool).intersection(letters))
        backend = tokenizers.Tokenizer(models.WordPiece(unk_token=names[0]))
        backend.pre_tokenizer = BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab,
            special_tokens=[*names, *(GOES_ON + letter for letter in inner)],
            initial_alphabet=letters,
            limit_alphabet=len(letters),
            show_progress=False,
        )
        fed(backend, spool.lines(), trainer)
    return dict(backend.get_vocab(with_added_tokens=False))


def within(spool: Spool) -> set[str]:
    """The characters that go on a word somewhere."""
    cut, seen, found = BertPreTokenizer(), set[str](), set[str]()
    for line in spool.lines():
        fresh = set(line.split()) - seen
        seen |= fresh
        found.update(letter for part in fresh for word, _ in cut.pre_tokenize_str(part) for letter in word[1:])
    return found


def unigram_pieces(texts: Iterator[str], vocab: int, names: Sequence[str]) -> Pieces:
    """The pieces of a text, `names` and the bytes first; `names` begin with the one that stands for the unknown.

    Letters that would take more than half of the room are spelled in bytes, as line ends are.
    """
    before = [*names, *BYTES]
    room = vocab - len(before)
    check_room(vocab, len(before) + 2)
    backend = tokenizers.Tokenizer(models.Unigram())
    # As SentencePiece: no piece goes from letters to marks, or from one script to another.
    backend.pre_tokenizer = Steps([UnicodeScripts(), Metaspace(prepend_scheme="first")])
    trainer = trainers.UnigramTrainer(
        vocab_size=room + 1,
        initial_alphabet=[BLANK],
        special_tokens=[names[0]],
        unk_token=names[0],
        show_progress=False,
    )
    with spooled(texts) as spool:
        rare = set(spool.letters) - set(spool.commonest(room // 2)) - {" "}
        cut = re.compile(f"[{re.escape(''.join(sorted(rare | {chr(10)})))}]")
        lines = (part for line in spool.lines() for part in cut.split(line))
        fed(backend, (line for line in lines if line.strip()), trainer)
    learnt = ordered(json.loads(backend.to_str())["model"]["vocab"][1:])[:room]
    return Pieces(
        texts=[*before, *(text for text, _ in learnt)],
        scores=[0.0] * len(before) + [score for _, score in learnt],
        kinds=[UNKNOWN, *[CONTROL] * (len(names) - 1), *[BYTE] * len(BYTES), *[NORMAL] * len(learnt)],
        unigram=True,
        byte_fallback=True,
    )


def ordered(learnt: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The pieces, best first.

    Letters that are there only so that none is missing, the library gives scores a step apart from the least score on,
    in any order; here they all have the least.
    """
    least = min(score for _, score in learnt)
    added = least + STEP * sum(len(text) == 1 for text, _ in learnt)
    scores = {text: least if len(text) == 1 and score <= added else score for text, score in learnt}
    return sorted(
        ((text, round(score, DIGITS)) for text, score in scores.items()), key=lambda each: (-each[1], each[0])
    )
