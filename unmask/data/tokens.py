"""Texts to tokens on all cores, while others are read and written; and where among them words and sentences begin."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.data.chunks import Chunks, cutting
from unmask.data.spelling import bare, spelled
from unmask.text.tokenizer import Tokenizer
from unmask.text.words import sentence_starts, word_starts

AHEAD = 2
"""Batches that are with the library while others are read and written: one in its hands, one that waits for it."""


@dataclass(frozen=True)
class Tokens:
    """A document's tokens.

    Args:
        ids: [n], the end of the document the last where the tokenizer has one; none for a text that it spells
            with none.
        heads: bool [n], which begin a word; None if nobody asked.
        sentences: int64, the tokens with which sentences begin; None if nobody asked.
    """

    ids: NDArray[Any]
    heads: NDArray[np.bool_] | None
    sentences: NDArray[np.int64] | None


@dataclass(frozen=True)
class Encoder:
    """Turns texts into tokens; `words` and `sentences` ask where those begin."""

    tokenizer: Tokenizer
    words: bool
    sentences: bool

    def all(self, batches: Iterable[Sequence[str]]) -> Iterator[list[Tokens]]:
        """Each batch's tokens, in order.

        Raises:
            TokenizerError: if a text cannot be spelled.
            MissingExtra: if Chinese words are asked for and rjieba is not installed.
        """
        encode = self.with_spans if self.words or self.sentences else self.bare
        waiting: deque[Future[list[Tokens]]] = deque()
        with ThreadPoolExecutor(1) as pool:
            for batch in batches:
                waiting.append(pool.submit(encode, batch))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def bare(self, texts: Sequence[str]) -> list[Tokens]:
        if self.chunks is None:
            rows = [np.array(ids, self.dtype) for ids in bare(self.tokenizer.backend, texts)]
        else:
            rows = self.chunks.ids(texts)
        return [Tokens(self.ended(row), None, None) for row in rows]

    def with_spans(self, texts: Sequence[str]) -> list[Tokens]:
        encode = self.tokenizer.backend.encode_batch
        found = spelled(lambda: encode(list(texts), add_special_tokens=False), texts)
        return [self.looked_at(text, each) for text, each in zip(texts, found, strict=True)]

    def looked_at(self, text: str, encoding: Any) -> Tokens:
        spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
        ids = self.ended(np.array(encoding.ids, self.dtype))
        heads = np.ones(len(ids), np.bool_)
        if self.words:
            heads[: len(spans)] = word_heads(text, spans)
        sentences = sentence_heads(text, spans) if self.sentences else None
        return Tokens(ids, heads if self.words else None, sentences)

    def ended(self, ids: NDArray[Any]) -> NDArray[Any]:
        """The ids of a text, and its end; nothing is left nothing."""
        return np.concatenate((ids, self.tail)) if len(ids) else ids

    @cached_property
    def chunks(self) -> Chunks | None:
        found = cutting(self.tokenizer)
        return None if found is None else Chunks(found, self.tokenizer.backend, self.dtype)

    @cached_property
    def tail(self) -> NDArray[Any]:
        """What ends a document, as an array: empty where the tokenizer has no such token."""
        return np.array([] if self.end is None else [self.end], self.dtype)

    @property
    def dtype(self) -> str:
        """How ids are stored: in two bytes, or in four."""
        return "<u2" if self.tokenizer.size <= 1 << 16 else "<u4"

    @cached_property
    def end(self) -> int | None:
        """The id that ends a document; None where the tokenizer has none."""
        named = self.tokenizer.specials.get("eos_token")
        found = None if named is None else self.tokenizer.id(named)
        return min(self.tokenizer.ends, default=None) if found is None else found


def word_heads(text: str, spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tokens begin a word: those in whose characters, but for what the token before has of them, one begins.

    The first does, even if it is only the blank that some tokenizers put before a text.
    """
    before = np.zeros(len(text) + 1, np.int64)  # words that begin before each character
    before[np.array(word_starts(text), np.int64) + 1] = 1
    before = before.cumsum()
    begins, ends = spans[:, 0].copy(), spans[:, 1]
    begins[1:] = np.maximum(begins[1:], ends[:-1])
    heads = before[np.maximum(ends, begins)] > before[begins]
    heads[:1] = True
    return heads


def sentence_heads(text: str, spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tokens with which sentences begin, the first of all among them; a sentence without tokens is none."""
    tokens = np.searchsorted(spans[:, 1], np.array(sentence_starts(text), np.int64), side="right")
    return np.unique(np.append(tokens[tokens < len(spans)], 0))
