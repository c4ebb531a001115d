"""Batches for a model that says hidden tokens, and whether one text follows another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.batch import IGNORED, Batch
from unmask.data.causal import check_row
from unmask.data.corrupt import Corruption, Rates
from unmask.data.pieces import Pieces
from unmask.data.rows import Flags, Ids, Span, TokenRow, fingerprint
from unmask.data.sentences import Neighbours
from unmask.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Marks:
    """The ids that BERT's kind of model puts around and into texts."""

    begin: int
    between: int
    mask: int


class MaskedBatches:
    """Rows of `length` tokens, some hidden: [CLS] text [SEP], or with `pairs` [CLS] one [SEP] another [SEP].

    Without pairs a row is full, and goes over the ends of documents, as in RoBERTa (Liu et al. 2019), section 4.2; with
    pairs it is padded. What is hidden is drawn anew each time a text comes up (RoBERTa, section 4.1).

    Args:
        rows: of a step, those of all processes together.
        words: hides words as a whole.
    Raises:
        DataError: if the tokenizer, the corpus or `length` does not do for this.
    """

    def __init__(
        self,
        corpus: TokenRow,
        tokenizer: Tokenizer,
        *,
        rows: int,
        length: int,
        seed: int,
        rates: Rates | None = None,
        words: bool = False,
        pairs: bool = False,
    ) -> None:
        check_row(length, least=5 if pairs else 3)
        if words and corpus.heads(0, 1) is None:
            raise DataError(
                "Whole words are to be hidden, but the corpus was prepared without words. Prepare it anew with them, "
                "or hide single tokens."
            )
        self.corpus = corpus
        self.rows = rows
        self.length = length
        self.seed = seed
        self.words = words
        self.marks = marks(tokenizer)
        rates = rates or Rates()
        special = np.zeros(max(corpus.vocab, tokenizer.size), dtype=np.bool_)
        special[[*tokenizer.controls, self.marks.begin, self.marks.between, self.marks.mask]] = True
        self.corruption = Corruption(rates, self.marks.mask, special)
        self.pad = tokenizer.pad or 0
        self.pieces = None if pairs else Pieces(corpus, length=length - 2, seed=seed)
        self.neighbours = Neighbours(corpus, room=length - 3, ends=tokenizer.ends, seed=seed) if pairs else None
        self.fingerprint = fingerprint("masked", corpus.fingerprint, rows, length, seed, rates, words, pairs)

    def batch(self, step: int, rows: range) -> Batch:
        tokens = np.full((len(rows), self.length), self.pad)
        targets = np.full_like(tokens, IGNORED)
        segments = np.zeros_like(tokens)
        pairs, lengths = np.zeros((2, len(rows)), dtype=np.int64)
        for at, row in enumerate(rows):
            sample = step * self.rows + row
            random = stream(self.seed, "masked", sample)
            spans, pairs[at] = self.texts(sample, random)
            ids, heads = self.framed(spans)
            lengths[at] = length = len(ids)
            tokens[at, :length], targets[at, :length] = self.corruption(ids, heads, random)
            segments[at, spans[0][1] - spans[0][0] + 2 : length] = 1
        paired = self.neighbours is not None
        return Batch(
            tokens=torch.from_numpy(tokens),
            targets=torch.from_numpy(targets),
            segments=torch.from_numpy(segments) if paired else None,
            lengths=torch.from_numpy(lengths) if paired else None,
            pairs=torch.from_numpy(pairs) if paired else None,
        )

    def texts(self, sample: int, random: np.random.Generator) -> tuple[list[Span], int]:
        """Where the row's text or texts are in the corpus, and whether the second is a stranger (1)."""
        if self.neighbours is not None:
            pair = self.neighbours.pair(sample, random)
            return [pair.first, pair.second], pair.apart
        assert self.pieces is not None
        return [self.pieces.span(sample)], 0

    def framed(self, spans: Sequence[Span]) -> tuple[Ids, Flags | None]:
        """The texts between their marks, and where their words begin."""
        ids, heads = [np.array([self.marks.begin])], [np.ones(1, dtype=np.bool_)]
        for span in spans:
            ids += [self.corpus.slice(*span), np.array([self.marks.between])]
            known = self.corpus.heads(*span) if self.words else None
            if known is not None:
                heads += [known, np.ones(1, dtype=np.bool_)]
        return np.concatenate(ids), np.concatenate(heads) if self.words else None


def marks(tokenizer: Tokenizer) -> Marks:
    """The ids of the tokens around texts.

    Raises:
        DataError: if the tokenizer lacks one.
    """
    names = ("cls_token", "sep_token", "mask_token")
    found = [tokenizer.id(tokenizer.specials[name]) if name in tokenizer.specials else None for name in names]
    missing = [name for name, each in zip(names, found, strict=True) if each is None]
    if missing:
        raise DataError(
            "The tokenizer has no {missing}, which learning from masked text needs. Train a WordPiece vocabulary, or "
            "take the tokenizer of a BERT.",
            missing=", ".join(missing),
        )
    begin, between, mask = (each for each in found if each is not None)
    return Marks(begin, between, mask)
