"""What batches of every objective promise: each is a function of its step and row, and an epoch forgets nothing."""

from __future__ import annotations

from collections import Counter

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.token_rows import BERT, FIRST, GLM, Texts, tokenizer
from unmask.data.batch import Batch
from unmask.data.batches import Batches
from unmask.data.blanks import BlankBatches, Mixture
from unmask.data.causal import CausalBatches
from unmask.data.masked import MaskedBatches
from unmask.data.parallel import PairBatches, parallel

documents = st.lists(st.integers(1, 12), min_size=1, max_size=8)
corpora = st.lists(documents, min_size=2, max_size=6).filter(
    lambda shape: len(shape[0]) > 1 and sum(map(sum, shape)) > 40
)
kinds = st.sampled_from(["packed", "stream", "crops", "masked", "words", "pairs", "spans", "sentences", "ends"])
seeds = st.integers(0, 1 << 20)


def batches(kind: str, shape: list[list[int]], *, rows: int, length: int, seed: int) -> Batches:
    texts = Texts(shape, word=2)
    if kind in ("packed", "stream", "crops"):
        return CausalBatches(texts, rows=rows, length=length, seed=seed, cut=kind)
    if kind in ("masked", "words", "pairs"):
        spelled = tokenizer(BERT, size=texts.vocab)
        return MaskedBatches(
            texts, spelled, rows=rows, length=length, seed=seed, words=kind == "words", pairs=kind == "pairs"
        )
    mixture = Mixture(kind == "spans", kind == "sentences", kind == "ends")
    return BlankBatches(texts, tokenizer(GLM, size=texts.vocab), rows=rows, length=length, seed=seed, mixture=mixture)


def same(left: Batch, right: Batch) -> bool:
    first, second = left.tensors(), right.tensors()
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


@settings(deadline=None, max_examples=60)
@given(
    kind=kinds, shape=corpora, rows=st.integers(1, 5), length=st.integers(8, 20), seed=seeds, step=st.integers(0, 50)
)
def test_a_batch_is_the_same_whenever_and_in_whatever_parts_it_is_asked_for(kind, shape, rows, length, seed, step):
    whole = batches(kind, shape, rows=rows, length=length, seed=seed).batch(step, range(rows))
    again = batches(kind, shape, rows=rows, length=length, seed=seed)
    for other in (step + 7, 0, step + 1):
        again.batch(other, range(rows))
    for row in reversed(range(rows)):
        assert same(again.batch(step, range(row, row + 1)), whole.rows(row, row + 1))
    assert same(again.batch(step, range(rows)), whole)


@settings(deadline=None, max_examples=40)
@given(
    kind=kinds, shape=corpora, rows=st.integers(1, 5), length=st.integers(8, 20), seed=seeds, step=st.integers(0, 50)
)
def test_every_batch_is_well_formed(kind, shape, rows, length, seed, step):
    made = batches(kind, shape, rows=rows, length=length, seed=seed).batch(step, range(rows))
    assert made.tokens.shape == made.targets.shape == (rows, made.tokens.shape[1])
    assert made.tokens.shape[1] <= length
    assert all(value.dtype == torch.int64 for value in made.tensors().values())
    assert (made.tokens >= 0).all()
    assert ((made.targets >= 0) | (made.targets == -100)).all()
    if made.lengths is not None:
        assert ((made.lengths >= 1) & (made.lengths <= made.tokens.shape[1])).all()
    assert made.asked > 0 or kind == "packed"


@settings(deadline=None, max_examples=40)
@given(shape=corpora, rows=st.integers(1, 5), length=st.integers(8, 20), seed=seeds, epoch=st.integers(0, 3))
def test_an_epoch_of_packed_rows_has_every_token_once(shape, rows, length, seed, epoch):
    made = CausalBatches(Texts(shape), rows=rows, length=length, seed=seed)
    count = made.packing.rows.count
    seen: Counter[int] = Counter()
    for sample in range(epoch * count, (epoch + 1) * count):
        row = made.batch(sample // rows, range(sample % rows, sample % rows + 1))
        assert row.documents is not None
        seen.update(row.tokens[row.documents >= 0].tolist())
    assert seen == Counter(range(FIRST, FIRST + sum(map(sum, shape))))


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=60),
    rows=st.integers(1, 5),
    length=st.integers(2, 20),
    seed=seeds,
    epoch=st.integers(0, 3),
)
def test_an_epoch_of_pairs_has_each_once_in_steps_that_come_in_parts(sizes, rows, length, seed, epoch):
    sides = [[[FIRST + number] * size for number, size in enumerate(side)] for side in zip(*sizes, strict=True)]
    batches = PairBatches(parallel(*sides, end=1, length=length), rows=rows, seed=seed, start=2, pad=0)
    seen: list[int] = []
    for step in reversed(range(epoch * batches.steps, (epoch + 1) * batches.steps)):
        whole = batches.batch(step, range(rows))
        parts = [batches.batch(step, range(row, row + 1)).tensors() for row in reversed(range(rows))][::-1]
        for name, value in whole.tensors().items():
            assert torch.equal(torch.cat([part[name] for part in parts]), value)
        assert max(whole.tokens.numel(), whole.memory.numel()) <= rows * length
        assert torch.equal(whole.memory[:, 0], whole.targets[:, 0])  # a pair's sides belong together
        seen += whole.targets[:, 0].tolist()
    assert sorted(seen) == [FIRST + number for number in range(len(sizes))]
