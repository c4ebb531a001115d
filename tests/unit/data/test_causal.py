"""Rows for the next token: packed, streamed or cropped, of tokens that tell their place in the corpus."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.token_rows import FIRST, Texts
from unmask.base.errors import DataError
from unmask.data.batch import IGNORED, Batch
from unmask.data.causal import CausalBatches

TEXTS = Texts([[5], [31], [1], [12], [8], [2]])  # 59 tokens


def epoch(cut: str, *, length: int = 10, rows: int = 6, step: int = 0, seed: int = 3) -> Batch:
    return CausalBatches(TEXTS, rows=rows, length=length, seed=seed, cut=cut).batch(step, range(rows))


def document(token: int) -> int:
    """The document that a token of TEXTS is of."""
    return int(np.searchsorted(TEXTS.bounds, token - FIRST, side="right")) - 1


def test_packed_rows_hold_every_token_once_and_pad_only_the_last_row():
    batch = epoch("packed")
    assert batch.documents is not None
    real = batch.tokens[batch.documents >= 0].tolist()
    assert sorted(real) == list(range(FIRST, FIRST + 59))
    assert (batch.documents < 0).sum() == 1


def test_packed_targets_are_the_next_tokens_of_the_same_document():
    batch = epoch("packed")
    assert batch.documents is not None
    for token, target, place in zip(
        batch.tokens.flatten().tolist(),
        batch.targets.flatten().tolist(),
        batch.documents.flatten().tolist(),
        strict=True,
    ):
        last = place < 0 or token - FIRST + 1 in TEXTS.bounds
        assert target == (IGNORED if last else token + 1)


def test_documents_of_a_packed_row_are_told_apart_and_each_begins_at_position_0():
    batch = epoch("packed")
    assert batch.documents is not None
    assert batch.positions is not None
    for row in range(6):
        tokens, documents, positions = (each[row].tolist() for each in (batch.tokens, batch.documents, batch.positions))
        for at in range(1, 10):
            if documents[at] < 0:
                continue
            same = document(tokens[at]) == document(tokens[at - 1]) and tokens[at] == tokens[at - 1] + 1
            assert (documents[at] == documents[at - 1]) is same
            assert positions[at] == (positions[at - 1] + 1 if same else 0)
        assert positions[0] == documents[0] == 0


def test_the_next_epoch_packs_other_neighbours():
    first, second = epoch("packed"), epoch("packed", step=1)
    assert sorted(first.tokens.tolist()) != sorted(second.tokens.tolist())
    assert first.asked == second.asked == 59 - len(TEXTS.shape)


def test_rows_of_a_long_document_are_not_side_by_side():
    batches = CausalBatches(Texts([[1_000]]), rows=100, length=10, seed=0)
    begins = batches.batch(0, range(100)).tokens[:, 0]
    assert sorted(begins.tolist()) == list(range(FIRST, FIRST + 1_000, 10))
    assert (begins.diff() == 10).sum() < 10


def test_a_stream_is_cut_into_pieces_side_by_side_that_go_over_the_ends_of_documents():
    batch = epoch("stream", rows=5)
    assert batch.documents is None
    assert batch.positions is None
    begins = sorted(batch.tokens[:, 0].tolist())
    assert begins == [begins[0] + 10 * piece for piece in range(5)]
    assert FIRST <= begins[0] <= FIRST + 8  # 58 tokens have a next one, and 5 pieces leave out 8 of them
    assert (batch.tokens == batch.tokens[:, :1] + torch.arange(10)).all()
    assert (batch.targets == batch.tokens + 1).all()


def test_what_a_stream_leaves_out_is_another_part_in_another_epoch():
    begins = {min(epoch("stream", rows=5, step=step).tokens[:, 0].tolist()) for step in range(100)}
    assert begins == set(range(FIRST, FIRST + 9))


def test_crops_begin_anywhere_as_often():
    batches = CausalBatches(TEXTS, rows=500, length=50, seed=0, cut="crops")
    batch = batches.batch(0, range(500))
    assert (batch.targets == batch.tokens + 1).all()
    begins, counts = np.unique(batch.tokens[:, 0] - FIRST, return_counts=True)
    assert begins.tolist() == list(range(9))
    # 8 degrees of freedom; a fair draw is above 31.8 once in ten thousand seeds.
    assert ((counts - 500 / 9) ** 2 / (500 / 9)).sum() < 31.8


@pytest.mark.parametrize("cut", ["packed", "stream", "crops"])
def test_a_corpus_of_one_row_and_one_token_is_enough(cut: str):
    batch = CausalBatches(Texts([[11]]), rows=1, length=10, seed=0, cut=cut).batch(3, range(1))
    assert batch.tokens.shape == (1, 10)


def test_a_corpus_shorter_than_a_row_is_refused():
    with pytest.raises(DataError, match="The corpus has 10 tokens, and one row takes 11"):
        CausalBatches(Texts([[10]]), rows=1, length=10, seed=0)


def test_a_row_of_nothing_is_refused():
    with pytest.raises(DataError, match="A row of 0 tokens is too short .* takes 1 at least"):
        CausalBatches(TEXTS, rows=1, length=0, seed=0)


def test_other_data_and_other_cuts_have_other_fingerprints():
    ways = [
        CausalBatches(Texts([[50]], fingerprint=name), rows=rows, length=length, seed=seed, cut=cut).fingerprint
        for name, rows, length, seed, cut in (
            ("a", 1, 2, 3, "packed"),
            ("b", 1, 2, 3, "packed"),
            ("a", 2, 2, 3, "packed"),
            ("a", 1, 3, 3, "packed"),
            ("a", 1, 2, 4, "packed"),
            ("a", 1, 2, 3, "stream"),
        )
    ]
    assert len(set(ways)) == len(ways)
