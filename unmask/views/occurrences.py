"""A word where it occurs in sentences, and how alike it is there to a model, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.trace import Watch
from unmask.core.transformer import Transformer
from unmask.generation.look import Look, look
from unmask.generation.reader import Reader

HIDDEN = Watch(weights=False, hidden=True)
MOST = 24
"""Occurrences that are compared: as many rows as a screen holds."""
FIRST_UNSPACED = "\u2e80"
"""From here on Unicode has the Chinese and Japanese scripts, which put no blanks between words."""


@dataclass(frozen=True)
class Occurrence:
    """A word in a sentence: its characters, and the places of the tokens that hold them."""

    sentence: int
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Senses:
    """Occurrences of a word.

    Args:
        unknown: whether the vocabulary lacks the word, so that another token stands for it and for all it lacks.
        cosines: [N + 1, O, O], how alike the word is in each two of them, before the first layer and after each.
    """

    word: str
    sentences: tuple[str, ...]
    occurrences: tuple[Occurrence, ...]
    unknown: bool
    cosines: Tensor


def senses(core: Transformer, reader: Reader, word: str, sentences: Sequence[str]) -> Senses:
    """Read each sentence and compare the word's vectors: the mean of its tokens' hidden states.

    Raises:
        RequestError: if a sentence lacks the word, or there are too few or too many occurrences.
        ContextError: if a sentence does not fit.
    """
    found: list[Occurrence] = []
    vectors: list[Tensor] = []
    unknown = False
    for number, sentence in enumerate(sentences):
        spans = check_found(word, sentence, number)
        seen = look(core, reader, sentence, watch=HIDDEN)
        states = torch.stack(seen.trace.hidden)[:, 0]  # [N + 1, T, W]
        for start, end in spans:
            tokens = overlapping(seen, start, end)
            found.append(Occurrence(number, start, end, tokens))
            vectors.append(states[:, list(tokens)].mean(dim=1))
            unknown = unknown or any(is_unknown(seen.ids[at], reader) for at in tokens)
    check_count(word, len(found))
    # In float64: the vectors of neighbouring layers are large and nearly alike.
    each = torch.nn.functional.normalize(torch.stack(vectors, dim=1).double().cpu(), dim=-1)  # [N + 1, O, W]
    return Senses(word, tuple(sentences), tuple(found), unknown, (each @ each.transpose(1, 2)).clamp(-1.0, 1.0))


def check_found(word: str, sentence: str, number: int) -> list[tuple[int, int]]:
    """
    Raises:
        RequestError: if the word is empty, or not in the sentence.
    """
    if not word.strip():
        raise RequestError("The word is empty. Name the word that is to be compared.")
    spans = word_spans(word.strip(), sentence)
    if not spans:
        raise RequestError(
            "Sentence {number} lacks the word {word!r:.60}: {sentence!r:.200}. Change it or leave it out.",
            number=number + 1,
            word=word.strip(),
            sentence=sentence,
        )
    return spans


def check_count(word: str, count: int) -> None:
    """
    Raises:
        RequestError: if so few or many occurrences cannot be compared.
    """
    if not 2 <= count <= MOST:
        raise RequestError(
            "{word!r:.60} occurs {count} times in the sentences; from {low} to {high} can be compared.",
            word=word,
            count=count,
            low=2,
            high=MOST,
        )


def word_spans(word: str, sentence: str) -> list[tuple[int, int]]:
    """Where a word stands, case aside, and is not a part of a longer one."""
    found = (match.span() for match in re.finditer(re.escape(word), sentence, re.IGNORECASE))
    return [(start, end) for start, end in found if not within(sentence, start) and not within(sentence, end)]


def within(text: str, at: int) -> bool:
    """Whether a place is inside a word: between two letters of a script that puts blanks between its words."""
    return 0 < at < len(text) and all(each.isalnum() and each < FIRST_UNSPACED for each in text[at - 1 : at + 1])


def overlapping(seen: Look, start: int, end: int) -> tuple[int, ...]:
    """The places of the tokens that hold any of these characters."""
    return tuple(at for at, (first, last) in enumerate(seen.spans) if first < end and last > start)


def is_unknown(token_id: int, reader: Reader) -> bool:
    spelling = reader.tokenizer.specials.get("unk_token")
    return spelling is not None and token_id == reader.tokenizer.id(spelling)
