"""Tokens to words: people read words, and attention to a word is the attention to its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol
from unicodedata import category

import torch
from torch import Tensor

IDEOGRAPHS = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
MARKS = {" ": "␣", "\t": "⇥", "\n": "⏎", "\r": "⏎"}


class Spelled(Protocol):
    """A text and its tokens, as a `Look` and each side of an alignment have them."""

    @property
    def text(self) -> str: ...
    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def spans(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def tokens(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Word:
    """A word of a text.

    Args:
        text: what to call it; blanks are visible if there is nothing else.
        tokens: the indices of its tokens, one after another.
    """

    text: str
    tokens: tuple[int, ...]


def group(look: Spelled) -> tuple[Word, ...]:
    """The words of a text: every token is in one of them, in order.

    Where a text has blanks, a word ends at a blank or a mark; Chinese has none, so there jieba's dictionary decides if
    it is installed, and else each character is a word. Tokens that share a character stay together; one that was added
    around the text is a word of its own.
    """
    words = numbered(look.text)
    groups: list[list[int]] = []
    last, reached = -1, 0  # the word that the token before ends in, and the character that it ends before
    for token, (start, end) in enumerate(look.spans):
        seen = [at for at in range(start, end) if not look.text[at].isspace()] or range(start, end)
        if seen and last >= 0 and (start < reached or words[seen[0]] == last):
            groups[-1].append(token)
        else:
            groups.append([token])
        last, reached = (words[seen[-1]] if seen else -1), end
    return tuple(Word(called(look, tokens), tuple(tokens)) for tokens in groups)


def singles(look: Spelled) -> tuple[Word, ...]:
    """Each token as a word of its own."""
    return tuple(Word(called(look, [token]), (token,)) for token in range(len(look.ids)))


def called(look: Spelled, tokens: Sequence[int]) -> str:
    start, end = look.spans[tokens[0]][0], look.spans[tokens[-1]][1]
    text = look.text[start:end] or look.tokens[tokens[0]]
    return text.strip() or "".join(MARKS.get(each, each) for each in text)


def merged(weights: Tensor, words: Sequence[Word], seen: Sequence[Word] | None = None) -> Tensor:
    """Attention [..., T, S] between tokens to attention [..., W, U] between words; rows still sum to 1.

    To a word it is the sum over its tokens, from a word the mean. Source: Clark et al. 2019, section 4.1.

    Args:
        seen: the words that are looked at; None: those that look.
    """
    seen = words if seen is None else seen
    rows, columns = owners(words, weights.device), owners(seen, weights.device)
    if len(words) < len(rows):
        sums = weights.new_zeros(*weights.shape[:-2], len(words), len(columns)).index_add_(-2, rows, weights)
        weights = sums / rows.bincount()[:, None]
    if len(seen) < len(columns):
        weights = weights.new_zeros(*weights.shape[:-1], len(seen)).index_add_(-1, columns, weights)
    return weights


def owners(words: Sequence[Word], device: torch.device) -> Tensor:
    """For each token the number of its word, [T]."""
    sizes = torch.tensor([len(word.tokens) for word in words], device=device)
    return torch.arange(len(words), device=device).repeat_interleave(sizes)


def numbered(text: str) -> list[int]:
    """For each character, the number of its word."""
    numbers: list[int] = []
    for (kind, _), places in groupby(range(len(text)), key=lambda at: kind_of(text, at)):
        run = "".join(text[at] for at in places)
        for piece in chinese_words(run) if kind == "ideographs" else [run]:
            numbers += [numbers[-1] + 1 if numbers else 0] * len(piece)
    return numbers


def kind_of(text: str, at: int) -> tuple[str, int]:
    """What runs together with its like: letters, digits, ideographs, blanks; any other mark is alone."""
    character = text[at]
    if any(first <= character <= last for first, last in IDEOGRAPHS):
        return "ideographs", 0
    if character.isspace():
        return "blanks", 0
    if category(character)[0] in "LNM" or character == "_" or joins(text, at):
        return "letters", 0
    return "mark", at


def joins(text: str, at: int) -> bool:
    """Whether a mark is within a word or number: don't, 3.14."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] in "'\u2019":
        return before.isalpha() and after.isalpha()
    return text[at] in ".," and before.isdecimal() and after.isdecimal()


def chinese_words(run: str) -> Sequence[str]:
    """The words of a run of Chinese characters, or its characters if there is no dictionary to cut it by."""
    try:
        import rjieba
    except ImportError:
        return list(run)
    words: list[str] = rjieba.cut(run)
    return words
