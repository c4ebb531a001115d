"""Chunks are spelled many at a time as they are one at a time."""

from __future__ import annotations

from itertools import chain

import pytest

from unmask.data.spelling import GROUP, bare, in_groups
from unmask.text.train import learn

TEXTS = ["The quick fox can't jump. It sleeps!", "我们喜欢语言模型。它很大。"]
SIZES = {"bytes": 260, "wordpiece": 90, "unigram": 330, "characters": 60}


@pytest.mark.parametrize("count", [0, 1, GROUP, 2 * GROUP + 1])
@pytest.mark.parametrize("kind", SIZES)
def test_chunks_in_groups_are_spelled_each_by_itself(kind: str, count: int):
    backend = learn(kind, TEXTS * 3, vocab=SIZES[kind]).backend
    chunks = [(" The", "", "fox\n", "can't", " ", "语言", "▁", "😀")[each % 8] * (each % 3) for each in range(count)]
    wanted = bare(backend, chunks)
    ids, lengths = in_groups(backend, chunks)
    assert lengths.tolist() == [len(each) for each in wanted]
    assert ids.tolist() == list(chain.from_iterable(wanted))
