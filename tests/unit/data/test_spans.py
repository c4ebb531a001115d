"""Where blanks are: their lengths, their places and their order, against what GLM's authors say of them."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from unmask.base.streams import stream
from unmask.data.spans import drawn_lengths, drawn_sentences, placed, poisson, stretches


def goodness(counts: dict[int, int], chances: dict[int, float]) -> float:
    """Pearson's chi-square of counts against chances."""
    total = sum(counts.values())
    return sum((counts.get(each, 0) - total * chance) ** 2 / (total * chance) for each, chance in chances.items())


def test_lengths_are_those_of_poisson_without_0():
    chances = {size: math.exp(-3) * 3**size / math.factorial(size) / (1 - math.exp(-3)) for size in range(1, 12)}
    assert np.diff(poisson(3.0)[:11], prepend=0).tolist() == pytest.approx(list(chances.values()), abs=1e-12)
    # Of each row the last length is what reached the share, so it is longer; a row has some 25.
    drawn = Counter(
        size for row in range(200) for size in drawn_lengths(512, 0.15, poisson(3.0), stream(row, "test"))[:10].tolist()
    )
    # 10 degrees of freedom; a fair draw is above 35.6 once in ten thousand seeds.
    assert goodness({size: drawn[size] for size in chances}, chances) < 35.6


@pytest.mark.parametrize("room", [8, 20, 64, 512])
def test_blanks_are_drawn_until_they_reach_the_share_of_a_text_that_fills_the_row_with_them(room: int):
    for seed in range(300):
        sizes = drawn_lengths(room, 0.15, poisson(3.0), stream(seed, "test"))
        text = room - 2 * len(sizes)
        assert sizes.sum() >= int(0.15 * text)
        assert sizes[:-1].sum() < int(0.15 * (text + 2)) or len(sizes) == 1


def test_blanks_of_one_text_are_in_it_apart_and_in_a_random_order():
    sizes, orders = np.array([3, 1, 4, 1, 5]), Counter()
    for seed in range(300):
        spans = placed(sizes, [(1, 30)], stream(seed, "test"))
        assert sorted(end - begin for begin, end in spans) == [1, 1, 3, 4, 5]
        ordered = sorted(spans)
        assert ordered[0][0] >= 1
        assert ordered[-1][1] <= 30
        assert all(left[1] < right[0] for left, right in pairwise(ordered))
        orders[tuple(ordered.index(span) for span in spans)] += 1
    assert len(orders) > 100  # of 120


def test_the_blank_drawn_last_is_anywhere():
    """It is what reached the share, so it is longer than the others."""
    rows = (sorted(placed(np.array([1, 1, 1, 5]), [(1, 30)], stream(seed, "test"))) for seed in range(400))
    found = Counter([end - begin for begin, end in row].index(5) for row in rows)
    # 3 degrees of freedom; a fair draw is above 21.1 once in ten thousand seeds.
    assert goodness(dict(found), dict.fromkeys(range(4), 0.25)) < 21.1


def test_blanks_of_one_text_lie_as_where_offsets_are_drawn_and_sorted():
    """All draws of two offsets are listed; blanks of 3 and 3 tokens leave 8 - 6 tokens, one of them between the two."""
    listed = Counter(tuple(sorted(pair)) for pair in product(range(2), repeat=2))
    expected = {(1 + low, 1 + high + 3 + 1): count / 4 for (low, high), count in listed.items()}
    rows = (sorted(placed(np.array([3, 3]), [(1, 9)], stream(seed, "test"))) for seed in range(2_000))
    found = Counter((first[0], second[0]) for first, second in rows)
    assert set(found) == set(expected)
    # 2 degrees of freedom; a fair draw is above 18.4 once in ten thousand seeds.
    assert goodness(dict(found), expected) < 18.4


def test_blanks_of_several_stretches_stay_inside_them():
    within = [(1, 4), (5, 6), (8, 40)]
    seen = set()
    for seed in range(300):
        spans = placed(np.array([2, 1, 6]), within, stream(seed, "test"))
        assert len(spans) == 3
        assert all(any(low <= begin and end <= high for low, high in within) for begin, end in spans)
        assert all(left[1] < right[0] for left, right in pairwise(sorted(spans)) if left[1] > 6 or right[1] <= 4)
        seen |= {index for index, (low, high) in enumerate(within) for begin, _ in spans if low <= begin < high}
    assert seen == {0, 1, 2}


def test_a_blank_too_long_for_every_stretch_is_shortened_and_one_without_room_left_out():
    assert placed(np.array([9]), [(1, 4)], stream(0, "test")) == [(1, 4)]
    assert placed(np.array([3, 3]), [(1, 4)], stream(0, "test")) == [(1, 4)]


def test_stretches_are_what_lies_between_borders_without_the_end_of_a_document():
    text = np.array([2, 10, 11, 1, 12, 1, 13])  # one id of its own, then the row from place 50 on
    assert stretches(np.array([0, 53, 55, 99]), 50, text, frozenset({1})) == [(1, 3), (4, 5), (6, 7)]
    assert stretches(np.array([0, 53, 55, 99]), 50, text, frozenset()) == [(1, 4), (4, 6), (6, 7)]
    assert stretches(np.array([0, 50, 56, 99]), 50, text, frozenset()) == [(1, 7)]


def test_sentences_are_taken_by_chance_until_they_reach_the_share_and_fit_into_the_row():
    within = [(begin, begin + 6) for begin in range(1, 97, 6)]
    firsts = Counter()
    for seed in range(400):
        size, spans = drawn_sentences(100, 0.15, within, stream(seed, "test"))
        assert size == 100 - 2 * len(spans)
        sizes = [end - begin for begin, end in spans]
        assert sum(sizes) >= int(0.15 * size) > sum(sizes[:-1])
        for begin, end in spans:
            assert (begin, end) in within or end == size
        firsts[spans[0]] += 1
    assert len(firsts) >= 15


def test_a_text_of_one_sentence_is_one_blank():
    assert drawn_sentences(20, 0.15, [(1, 19)], stream(0, "test")) == (18, [(1, 18)])
