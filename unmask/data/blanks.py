"""Batches for a model that fills blanks in any order: GLM.

Source: GLM (Du et al. 2022), sections 2.1 and 3.1; the shares of its sizes are those of its release.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.batch import IGNORED, Batch
from unmask.data.causal import check_row
from unmask.data.infilling import Infilling, continuation, infilling
from unmask.data.pieces import Pieces
from unmask.data.rows import Ids, TokenRow, fingerprint
from unmask.data.spans import drawn_lengths, drawn_sentences, placed, poisson, stretches
from unmask.text.tokenizer import Tokenizer

SHORTEST = 8
"""Tokens of a row; fewer have no room for text around a blank."""


@dataclass(frozen=True)
class Mixture:
    """How often a batch has blanks of each kind, in any unit: short spans, sentences, or the text's whole end.

    Spans and sentences hide `share` of a text; a span has `mean` tokens, and an end at least `least` of the text. GLM
    Base and Large are (1, 0, 0), Large-Chinese (0.4, 0.3, 0.3), 10B (0.5, 0.3, 0.2) with `least` 0.25.
    """

    spans: float = 1.0
    sentences: float = 0.0
    ends: float = 0.0
    share: float = 0.15
    mean: float = 3.0
    least: float = 0.5

    def __post_init__(self) -> None:
        weights = (self.spans, self.sentences, self.ends)
        sound = 0 < self.share <= 0.5 and self.mean > 0 and 0 <= self.least < 1
        if min(weights) < 0 or sum(weights) == 0 or not sound:
            raise DataError(
                "Blanks of three kinds by {weights}, hiding {share} in spans of {mean} or at least {least} at the end, "
                "cannot be made: no weight may be below 0, nor all be 0; hide up to 0.5, in spans longer than 0, and "
                "at the end from 0 to below 1.",
                weights=weights,
                share=self.share,
                mean=self.mean,
                least=self.least,
            )


@dataclass(frozen=True)
class BlankMarks:
    """The ids that GLM puts into texts: before one, for a blank of each kind, and around what fills it."""

    begin: int
    span: int
    sentence: int
    rest: int
    start: int
    end: int


class BlankBatches:
    """Rows of `length` tokens: a text with blanks, and after it what fills them.

    A text goes over the ends of documents, but a blank does not. Rows with blanks for spans and for the end are full
    wherever the documents leave room for the blanks; what is lacking is padded.

    Args:
        rows: of a step, those of all processes together; they are all of one kind.
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
        mixture: Mixture | None = None,
    ) -> None:
        check_row(length, least=SHORTEST)
        mixture = mixture or Mixture()
        if mixture.sentences and corpus.sentences is None:
            raise DataError(
                "Whole sentences are to be blanks, but the corpus was prepared without sentences. Prepare it anew with "
                "them, or learn without sentence blanks."
            )
        self.corpus = corpus
        self.rows = rows
        self.length = length
        self.seed = seed
        self.mixture = mixture
        self.chances = poisson(mixture.mean)
        self.marks = blank_marks(tokenizer)
        self.document_ends = tokenizer.ends
        self.pad = tokenizer.pad or 0
        self.pieces = Pieces(corpus, length=length - 2, seed=seed)
        self.fingerprint = fingerprint("blanks", corpus.fingerprint, rows, length, seed, mixture)

    def batch(self, step: int, rows: range) -> Batch:
        weights = np.array([self.mixture.spans, self.mixture.sentences, self.mixture.ends]).cumsum()
        kind = int(weights.searchsorted(stream(self.seed, "blanks", step).random() * weights[-1], side="right"))
        make = (self.with_spans, self.with_sentences, self.without_end)[kind]
        tokens = np.full((len(rows), self.length), self.pad)
        targets = np.full_like(tokens, IGNORED)
        positions = np.zeros((len(rows), 2, self.length), dtype=np.int64)
        prefixes, lengths = np.zeros((2, len(rows)), dtype=np.int64)
        for at, row in enumerate(rows):
            sample = step * self.rows + row
            made = make(self.pieces.span(sample)[0], stream(self.seed, "blank", sample))
            lengths[at], prefixes[at] = size, _ = len(made.tokens), made.prefix
            tokens[at, :size], targets[at, :size], positions[at, :, :size] = made.tokens, made.targets, made.positions
        return Batch(
            tokens=torch.from_numpy(tokens),
            targets=torch.from_numpy(targets),
            positions=torch.from_numpy(positions),
            prefixes=torch.from_numpy(prefixes),
            lengths=torch.from_numpy(lengths),
        )

    def with_spans(self, begin: int, random: np.random.Generator) -> Infilling:
        """Short blanks."""
        sizes = drawn_lengths(self.length, self.mixture.share, self.chances, random)
        text = self.text(begin, self.length - 2 * len(sizes))
        spans = placed(sizes, stretches(self.corpus.bounds, begin, text, self.document_ends), random)
        return infilling(text, spans, mask=self.marks.span, start=self.marks.start, end=self.marks.end)

    def with_sentences(self, begin: int, random: np.random.Generator) -> Infilling:
        """Blanks of whole sentences."""
        assert self.corpus.sentences is not None
        text = self.text(begin, self.length - 1)
        within = stretches(self.corpus.sentences, begin, text, self.document_ends)
        size, spans = drawn_sentences(self.length, self.mixture.share, within, random)
        return infilling(text[:size], spans, mask=self.marks.sentence, start=self.marks.start, end=self.marks.end)

    def without_end(self, begin: int, random: np.random.Generator) -> Infilling:
        """One blank for all of the end."""
        text = self.text(begin, self.length - 1)
        count = int(random.integers(int(self.mixture.least * len(text)), len(text) - 2, endpoint=True))
        return continuation(text, max(count, 1), mask=self.marks.rest, start=self.marks.start)

    def text(self, begin: int, size: int) -> Ids:
        """A text of `size` tokens, the one before it included."""
        return np.concatenate(([self.marks.begin], self.corpus.slice(begin, begin + size - 1)))


def blank_marks(tokenizer: Tokenizer) -> BlankMarks:
    """The ids of the tokens around texts and blanks. A tokenizer with one mask uses it for every kind of blank.

    Raises:
        DataError: if the tokenizer lacks one.
    """
    spellings = (
        ("[CLS]",),
        ("[MASK]",),
        ("[sMASK]", "[MASK]"),
        ("[gMASK]", "[MASK]"),
        ("<|startofpiece|>", "<sop>"),
        ("<|endofpiece|>", "<eop>"),
    )
    known = [[each for each in map(tokenizer.id, names) if each is not None] for names in spellings]
    missing = [names[0] for names, ids in zip(spellings, known, strict=True) if not ids]
    if missing:
        raise DataError(
            "The tokenizer has no {missing}, which filling blanks needs. Train a vocabulary with these special tokens.",
            missing=", ".join(missing),
        )
    return BlankMarks(*(ids[0] for ids in known))
