"""Small corpora in memory whose every token tells its place, and tokenizers with the marks that objectives need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import AddedToken, models
from tokenizers import Tokenizer as Backend

from unmask.data.rows import Flags, Ids
from unmask.text.tokenizer import Tokenizer

FIRST = 16
"""The id of a corpus's first token; each after it has the next. Those below are for special tokens."""
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
GLM = ("[PAD]", "<|endoftext|>", "[CLS]", "[MASK]", "[gMASK]", "[sMASK]", "<|startofpiece|>", "<|endofpiece|>")


@dataclass(frozen=True, eq=False)
class Texts:
    """Documents of sentences; a sentence is given by how many tokens it has."""

    shape: Sequence[Sequence[int]]
    word: int | None = None
    """Tokens of a word, counted from each sentence's begin; None leaves words unknown."""
    end: int | None = None
    """The id that is each document's last."""
    fingerprint: str = "texts"

    @property
    def vocab(self) -> int:
        return FIRST + self.tokens

    @cached_property
    def tokens(self) -> int:
        return sum(map(sum, self.shape))

    @property
    def documents(self) -> int:
        return len(self.shape)

    @cached_property
    def bounds(self) -> Ids:
        return np.cumsum([0, *map(sum, self.shape)])

    @cached_property
    def sentences(self) -> Ids | None:
        return np.cumsum([0, *(size for document in self.shape for size in document)])

    def slice(self, begin: int, end: int) -> Ids:
        assert 0 <= begin <= end <= self.tokens
        ids = np.arange(begin, end) + FIRST
        if self.end is not None:
            ids[np.isin(ids - FIRST + 1, self.bounds)] = self.end
        return ids

    def heads(self, begin: int, end: int) -> Flags | None:
        if self.word is None:
            return None
        assert self.sentences is not None
        places = np.arange(begin, end)
        return (places - self.sentences[self.sentences.searchsorted(places, side="right") - 1]) % self.word == 0


@dataclass(frozen=True, eq=False)
class Lines(Texts):
    """The same without known sentences."""

    @cached_property
    def sentences(self) -> Ids | None:
        return None


def tokenizer(specials: Sequence[str], *, size: int, end: str | None = None) -> Tokenizer:
    """A vocabulary of `size` words, the first of which are special and named as BERT names them."""
    words = [*specials, *(f"w{number}" for number in range(len(specials), size))]
    backend = Backend(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0]))
    backend.add_special_tokens([AddedToken(each, special=True, normalized=False) for each in specials])
    named = {f"{each.strip('[]').lower()}_token": each for each in specials if each.startswith("[")}
    ends = frozenset({words.index(end)}) if end else frozenset[int]()
    return Tokenizer(backend, bos=None, pad=0, ends=ends, specials=named)
