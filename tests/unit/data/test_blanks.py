"""Rows for GLM: all kinds of blanks in texts that tell their place in the corpus."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.token_rows import FIRST, GLM, Lines, Texts, tokenizer
from unmask.base.errors import DataError
from unmask.data.batch import IGNORED, Batch
from unmask.data.blanks import BlankBatches, Mixture, blank_marks

PAD, END, CLS, MASK, REST, SENTENCE, START, STOP = range(8)
ONE = Texts([[7, 5, 9, 12, 3, 8] * 20])
MANY = Texts([[4, 3, 5, 2, 6, 4, 3, 2], [30, 12, 25], [5, 5], [9], [2] * 15, [7, 30]] * 8, end=END)
SPANS, SENTENCES, ENDS = Mixture(), Mixture(0, 1, 0), Mixture(0, 0, 1)


def rows(texts: Texts, mixture: Mixture, *, count: int = 30, length: int = 64) -> Batch:
    spelled = tokenizer(GLM, size=texts.vocab, end="<|endoftext|>" if texts.end else None)
    return BlankBatches(texts, spelled, rows=count, length=length, seed=2, mixture=mixture).batch(0, range(count))


def filled(batch: Batch, row: int) -> tuple[list[int], list[list[int]]]:
    """The text of a row with its blanks filled in, and those."""
    assert batch.positions is not None
    assert batch.prefixes is not None
    assert batch.lengths is not None
    prefix, length = int(batch.prefixes[row]), int(batch.lengths[row])
    tokens, targets = batch.tokens[row].tolist(), batch.targets[row].tolist()
    starts = [*(at for at in range(prefix, length) if tokens[at] == START), length]
    blanks = {}
    for begin, end in pairwise(starts):
        said = targets[begin:end]
        blanks[int(batch.positions[row, 0, begin])] = said[:-1] if said[-1] == STOP else said
    whole = [each for at, token in enumerate(tokens[:prefix]) for each in blanks.get(at, [token])]
    return whole, list(blanks.values())


@pytest.mark.parametrize("texts", [ONE, MANY])
@pytest.mark.parametrize("mixture", [SPANS, SENTENCES, ENDS])
def test_filling_all_blanks_gives_a_piece_of_the_corpus(texts: Texts, mixture: Mixture):
    batch = rows(texts, mixture)
    everything = texts.slice(0, texts.tokens).tolist()
    for row in range(30):
        whole, blanks = filled(batch, row)
        begin = whole[1] - FIRST if whole[1] != END else whole[2] - FIRST - 1
        assert whole == [CLS, *everything[begin : begin + len(whole) - 1]]
        assert blanks


@pytest.mark.parametrize(("mixture", "mask"), [(SPANS, MASK), (SENTENCES, SENTENCE), (ENDS, REST)])
def test_each_kind_of_blank_has_its_own_mask(mixture: Mixture, mask: int):
    batch = rows(ONE, mixture)
    others = {MASK, SENTENCE, REST} - {mask}
    assert batch.prefixes is not None
    assert others.isdisjoint(batch.tokens.flatten().tolist())
    for row in range(30):
        count = (batch.tokens[row, : batch.prefixes[row]] == mask).sum()
        assert count == len(filled(batch, row)[1])


@pytest.mark.parametrize("mixture", [SPANS, ENDS])
def test_rows_of_a_long_document_are_full(mixture: Mixture):
    batch = rows(ONE, mixture)
    assert (batch.lengths == 64).all()


def test_rows_of_sentences_are_nearly_full():
    batch = rows(ONE, SENTENCES)
    assert batch.lengths is not None
    assert (batch.lengths >= 62).all()


def test_nothing_is_asked_of_part_a_and_padding_and_all_of_part_b():
    for mixture in (SPANS, SENTENCES, ENDS):
        batch = rows(MANY, mixture)
        assert batch.prefixes is not None
        assert batch.lengths is not None
        at = np.arange(64)
        part_b = (at >= batch.prefixes[:, None].numpy()) & (at < batch.lengths[:, None].numpy())
        assert ((batch.targets != IGNORED).numpy() == part_b).all()
        assert (batch.tokens.numpy()[at >= batch.lengths[:, None].numpy()] == PAD).all()


@pytest.mark.parametrize("mixture", [SPANS, SENTENCES])
def test_no_blank_goes_over_the_end_of_a_document(mixture: Mixture):
    batch = rows(MANY, mixture)
    for row in range(30):
        for blank in filled(batch, row)[1]:
            assert END not in blank
            documents = np.searchsorted(MANY.bounds, np.array(blank) - FIRST, side="right")
            assert (documents == documents[0]).all()


def test_spans_hide_15_in_100():
    batch = rows(ONE, SPANS, count=400)
    shares = [sum(map(len, blanks)) / len(whole) for whole, blanks in (filled(batch, row) for row in range(400))]
    # Lengths are drawn until they reach the share, so the last goes beyond it, by half of such a length on average.
    assert 0.15 < np.mean(shares) < 0.15 + 3 / 58
    assert min(shares) > 0.15 - 1 / 50


def test_sentence_blanks_are_whole_sentences():
    batch = rows(ONE, SENTENCES)
    assert ONE.sentences is not None
    borders = set((ONE.sentences + FIRST).tolist())
    for row in range(30):
        whole, blanks = filled(batch, row)
        for blank in blanks:
            assert blank[0] in borders or blank[0] == whole[1]
            assert blank[-1] + 1 in borders or blank[-1] == whole[-1]


def test_the_blank_at_the_end_has_from_half_of_the_text_to_all_but_two():
    batch = rows(ONE, ENDS, count=1_000)
    assert batch.prefixes is not None
    counts = np.bincount(64 - batch.prefixes.numpy())
    sizes = np.flatnonzero(counts)
    assert (sizes.min(), sizes.max()) == (31, 61)  # of 63
    # 30 degrees of freedom; a fair draw is above 67.6 once in ten thousand seeds.
    expected = 1_000 / 31
    assert ((counts[31:62] - expected) ** 2 / expected).sum() < 67.6


def test_a_batch_is_of_one_kind_and_kinds_come_as_often_as_asked():
    batches = BlankBatches(
        ONE, tokenizer(GLM, size=ONE.vocab), rows=2, length=16, seed=2, mixture=Mixture(0.5, 0.3, 0.2)
    )
    counts = np.zeros(3)
    for step in range(400):
        tokens = set(batches.batch(step, range(2)).tokens.flatten().tolist())
        kinds = [mask in tokens for mask in (MASK, SENTENCE, REST)]
        assert sum(kinds) == 1
        counts += kinds
    expected = np.array([200, 120, 80])
    # 2 degrees of freedom.
    assert ((counts - expected) ** 2 / expected).sum() < 18.4


def test_a_tokenizer_with_one_mask_uses_it_for_all_and_may_spell_the_ends_of_blanks_shortly():
    marks = blank_marks(tokenizer(("[CLS]", "[MASK]", "<sop>", "<eop>"), size=20))
    assert (marks.begin, marks.span, marks.sentence, marks.rest, marks.start, marks.end) == (0, 1, 1, 1, 2, 3)


def test_a_tokenizer_without_the_marks_is_refused():
    with pytest.raises(DataError, match=r"The tokenizer has no \[MASK\], \[sMASK\], \[gMASK\], <\|startofpiece\|>,"):
        blank_marks(tokenizer(("[CLS]", "[PAD]"), size=20))


def test_sentence_blanks_of_a_corpus_without_sentences_are_refused():
    with pytest.raises(DataError, match="prepared without sentences"):
        rows(Lines([[900]]), SENTENCES)


def test_a_row_without_room_for_a_blank_is_refused():
    rows(ONE, SPANS, length=8)
    with pytest.raises(DataError, match="A row of 7 tokens is too short .* 8 at least"):
        rows(ONE, SPANS, length=7)


def test_a_corpus_shorter_than_a_row_is_refused():
    with pytest.raises(DataError, match="The corpus has 880 tokens, and one row takes 998"):
        rows(ONE, SPANS, length=1_000)


@pytest.mark.parametrize(
    "options", [{"spans": -1.0}, {"spans": 0.0}, {"share": 0.0}, {"share": 0.6}, {"mean": 0.0}, {"least": 1.0}]
)
def test_a_mixture_that_cannot_be_is_refused(options: dict[str, float]):
    values = {"spans": 1.0, "share": 0.15, "mean": 3.0, "least": 0.5} | options
    wanted = rf"by \({values['spans']}, 0.0, 0.0\), hiding {values['share']} in spans of {values['mean']} or at least "
    with pytest.raises(DataError, match=wanted + str(values["least"])):
        Mixture(**options)
