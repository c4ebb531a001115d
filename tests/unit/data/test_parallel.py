"""Pairs of texts for an encoder and a decoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unmask.base.errors import DataError
from unmask.data.batch import IGNORED
from unmask.data.parallel import PairBatches, Parallel, parallel

END, START, PAD = 1, 2, 0
SOURCES = [[10, 11, 12], [20], [30, 31, 32, 33, 34, 35], [40, 41], [50]]
TARGETS = [[110], [120, 121, 122, 123, 124], [130, 131], [140, 141, 142], [150, 151]]


def pairs(length: int = 10) -> Parallel:
    return parallel(SOURCES, TARGETS, end=END, length=length)


def test_an_epoch_has_every_pair_once_and_each_source_beside_its_target():
    batch = PairBatches(pairs(), rows=5, seed=0, start=START, pad=PAD).batch(0, range(5))
    assert batch.memory is not None
    assert batch.memory_lengths is not None
    assert batch.lengths is not None
    found = {}
    for row in range(5):
        source = batch.memory[row, : batch.memory_lengths[row]].tolist()
        target = batch.targets[row, : batch.lengths[row]].tolist()
        assert source[-1] == target[-1] == END
        assert batch.tokens[row, : batch.lengths[row]].tolist() == [START, *target[:-1]]
        assert (batch.memory[row, batch.memory_lengths[row] :] == PAD).all()
        assert (batch.tokens[row, batch.lengths[row] :] == PAD).all()
        assert (batch.targets[row, batch.lengths[row] :] == IGNORED).all()
        found[tuple(source[:-1])] = target[:-1]
    assert found == {tuple(source): target for source, target in zip(SOURCES, TARGETS, strict=True)}


def drawn(shapes: int, *, rows: int, length: int = 40) -> tuple[Parallel, PairBatches]:
    """So many pairs of random sizes, short ones more often."""
    chance = np.random.default_rng(0)
    sizes = chance.geometric(0.1, size=(shapes, 2)).clip(max=length - 1)
    sides = [[[10] * size for size in side] for side in sizes.T]
    made = parallel(*sides, end=END, length=length)
    return made, PairBatches(made, rows=rows, seed=0, start=START, pad=PAD)


def test_the_parts_of_a_step_are_the_whole_step():
    _, batches = drawn(300, rows=6)
    for step in range(batches.steps):
        whole = batches.batch(step, range(6)).tensors()
        parts = [batches.batch(step, range(row, row + 2)).tensors() for row in (0, 2, 4)]
        for name, value in whole.items():
            assert torch.equal(torch.cat([part[name] for part in parts]), value)


def test_no_step_has_more_tokens_a_side_than_its_rows_of_full_length():
    pairs, batches = drawn(1000, rows=6)
    made = [batches.batch(step, range(6)) for step in range(batches.steps)]
    for batch in made:
        assert batch.memory is not None
        assert batch.tokens.numel() <= 6 * pairs.length
        assert batch.memory.numel() <= 6 * pairs.length
    longer = np.maximum(pairs.sources.sizes, pairs.targets.sizes).sum()
    assert len(made) < 1.2 * longer / (6 * pairs.length)  # and they are nearly full


def test_every_epoch_has_each_pair_once_in_as_many_steps_and_other_company():
    pairs, batches = drawn(500, rows=4)
    first, second = (batches.planned(epoch) for epoch in (0, 1))
    assert len(first) == len(second) == batches.steps
    for plan in (first, second):
        assert sorted(np.concatenate(plan).tolist()) == list(range(len(pairs.targets.sizes)))
    assert {frozenset(each.tolist()) for each in first}.isdisjoint(frozenset(each.tolist()) for each in second)


def test_pairs_of_a_step_are_of_similar_length():
    pairs, batches = drawn(3000, rows=16)
    longer = np.maximum(pairs.sources.sizes, pairs.targets.sizes)
    spreads = [longer[plan].max() / longer[plan].min() for plan in batches.planned(0)]
    assert np.median(spreads) < 1.3
    mixed = [np.ptp(longer[part]) for part in np.array_split(np.arange(3000), batches.steps)]
    assert np.median(mixed) > 20  # as they come


def test_what_is_longer_than_a_row_is_cut_and_counted():
    made = pairs(length=5)
    assert made.cut == 2
    assert made.sources.sizes.tolist() == [4, 2, 5, 3, 2]
    assert made.targets.sizes.tolist() == [2, 5, 3, 4, 3]
    assert made.sources.ids.tolist()[6:11] == [30, 31, 32, 33, END]


def test_lines_without_text_are_left_out_and_named():
    made = parallel([[5], [], [6], [7]], [[8], [9], [10], []], end=END, length=5)
    assert made.empty == (2, 4)
    assert made.sources.ids.tolist() == [5, END, 6, END]
    assert made.targets.ids.tolist() == [8, END, 10, END]


def test_as_many_lines_to_be_read_as_to_be_written_are_needed():
    with pytest.raises(DataError, match="There are 2 lines to be read and 1 to be written"):
        parallel([[5], [6]], [[7]], end=END, length=5)


def test_files_without_text_are_refused():
    with pytest.raises(DataError, match="None of 2 pairs of lines has text on both sides"):
        parallel([[], [5]], [[6], []], end=END, length=5)


def test_a_row_without_room_for_text_is_refused():
    with pytest.raises(DataError, match="A row of 1 tokens is too short .* 2 at least"):
        pairs(length=1)


def test_other_pairs_and_other_cuts_have_other_fingerprints():
    turned = parallel(TARGETS, SOURCES, end=END, length=10)
    made = [
        PairBatches(each, rows=rows, seed=seed, start=START, pad=PAD).fingerprint
        for each, rows, seed in ((pairs(), 5, 0), (turned, 5, 0), (pairs(4), 5, 0), (pairs(), 4, 0), (pairs(), 5, 1))
    ]
    assert len(set(made)) == 5
