"""Rows for BERT: marks, segments and padding around texts that tell their place in the corpus."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.token_rows import BERT, FIRST, Lines, Texts, tokenizer
from unmask.base.errors import DataError
from unmask.data.batch import IGNORED, Batch
from unmask.data.corrupt import Rates
from unmask.data.masked import MaskedBatches

PAD, UNKNOWN, CLS, SEP, MASK = range(5)
TEXTS = Texts([[4, 3, 5, 2, 6, 4, 3, 2], [30, 12, 25], [5, 5], [9], [2] * 15, [7, 30]], word=2)
SPELLED = tokenizer(BERT, size=TEXTS.vocab)


def batches(rows: int = 20, length: int = 16, **options: object) -> MaskedBatches:
    return MaskedBatches(TEXTS, SPELLED, rows=rows, length=length, seed=1, **options)


def original(batch: Batch) -> Tensor:
    """The tokens before any was hidden."""
    return batch.tokens.where(batch.targets == IGNORED, batch.targets)


def test_a_row_without_pairs_is_full_of_text_between_two_marks():
    made = batches()
    count = TEXTS.tokens // 14
    batch = made.batch(0, range(count))
    text = original(batch)[:, 1:-1]
    assert (batch.tokens[:, 0] == CLS).all()
    assert (batch.tokens[:, -1] == SEP).all()
    assert (text == text[:, :1] + torch.arange(14)).all()
    begins = sorted(text[:, 0].tolist())
    assert begins == [begins[0] + 14 * piece for piece in range(count)]
    assert batch.segments is batch.lengths is batch.pairs is None


def test_the_same_text_is_hidden_in_other_places_when_it_comes_up_again():
    texts = Texts([[14]])
    made = MaskedBatches(texts, tokenizer(BERT, size=texts.vocab), rows=30, length=16, seed=1)
    targets = made.batch(0, range(30)).targets
    assert len({tuple(row) for row in targets.tolist()}) > 20


def test_a_row_with_a_pair_is_marked_segmented_and_padded():
    batch = batches(pairs=True).batch(0, range(20))
    assert batch.segments is not None
    assert batch.lengths is not None
    for row, segments, length in zip(original(batch).tolist(), batch.segments.tolist(), batch.lengths, strict=True):
        first, second = row.index(SEP), int(length) - 1
        assert row[0] == CLS
        assert row[second] == SEP
        assert first < second
        for begin, end in ((1, first), (first + 1, second)):
            text = row[begin:end]
            assert text == list(range(text[0], text[0] + end - begin))
            assert text[0] >= FIRST
        assert row[length:] == [PAD] * (16 - length)
        assert segments == [0] * (first + 1) + [1] * (second - first) + [0] * (16 - second - 1)


def test_nothing_is_asked_of_marks_and_padding():
    batch = batches(pairs=True, rates=Rates(chosen=1.0)).batch(0, range(20))
    assert torch.equal(batch.targets != IGNORED, original(batch) >= FIRST)


def test_pairs_are_strangers_where_the_batch_says_so():
    batch = batches(pairs=True, length=64).batch(0, range(20))
    assert batch.pairs is not None
    assert 0 < batch.pairs.sum() < 20
    for row, apart in zip(original(batch).tolist(), batch.pairs.tolist(), strict=True):
        texts = [row[1 : row.index(SEP)], row[row.index(SEP) + 1 :]]
        documents = [np.searchsorted(TEXTS.bounds, text[0] - FIRST, side="right") for text in texts]
        assert apart == (documents[0] != documents[1])


@pytest.mark.parametrize("pairs", [True, False])
def test_words_are_hidden_as_a_whole(pairs: bool):
    batch = batches(pairs=pairs, words=True, rates=Rates(masked=1.0, replaced=0.0)).batch(0, range(20))
    text, hidden = original(batch), batch.tokens == MASK
    assert hidden.any()
    for row, at in (hidden[:, 1:] != hidden[:, :-1]).nonzero().tolist():
        begins = (
            TEXTS.heads(int(text[row, at + 1]) - FIRST, int(text[row, at + 1]) - FIRST + 1)
            if (text[row, at + 1] >= FIRST)
            else [True]
        )
        cut = text[row, at] < FIRST  # a text's first token begins a word, wherever the text was cut
        assert begins[0] or cut


def test_the_end_of_a_document_is_left_out_of_pairs_and_never_hidden():
    texts = Texts([[4, 3, 5, 2, 6, 4, 3, 2], [30, 12, 25], [5, 5]], end=SEP)
    spelled = tokenizer(BERT, size=texts.vocab, end="[SEP]")
    paired = MaskedBatches(texts, spelled, rows=40, length=40, seed=1, pairs=True).batch(0, range(40))
    assert ((paired.tokens == SEP).sum(1) == 2).all()
    whole = MaskedBatches(texts, spelled, rows=4, length=26, seed=1, rates=Rates(chosen=1.0)).batch(0, range(4))
    assert (whole.tokens == SEP).sum() > 4
    assert (whole.targets != SEP).all()


def test_a_tokenizer_without_marks_is_refused():
    spelled = tokenizer(("[PAD]", "[CLS]"), size=99)
    with pytest.raises(DataError, match="The tokenizer has no sep_token, mask_token"):
        MaskedBatches(TEXTS, spelled, rows=1, length=16, seed=1)


def test_whole_words_of_a_corpus_that_has_none_are_refused():
    with pytest.raises(DataError, match="prepared without words"):
        MaskedBatches(Texts([[50]]), SPELLED, rows=1, length=16, seed=1, words=True)


def test_pairs_of_a_corpus_without_sentences_are_refused():
    with pytest.raises(DataError, match="prepared without sentences"):
        MaskedBatches(Lines([[50], [5]]), SPELLED, rows=1, length=16, seed=1, pairs=True)


@pytest.mark.parametrize(("pairs", "least"), [(True, 5), (False, 3)])
def test_a_row_without_room_for_text_is_refused(pairs: bool, least: int):
    batches(length=least, pairs=pairs).batch(0, range(20))
    with pytest.raises(DataError, match=f"A row of {least - 1} tokens is too short .* {least} at least"):
        batches(length=least - 1, pairs=pairs)


def test_a_corpus_shorter_than_a_row_is_refused():
    with pytest.raises(DataError, match=f"The corpus has {TEXTS.tokens} tokens, and one row takes 998"):
        batches(length=1_000)
