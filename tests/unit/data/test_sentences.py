"""Pairs of neighbouring and of unrelated sentences."""

from __future__ import annotations

import numpy as np
import pytest

from tests.token_rows import FIRST, Lines, Texts
from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.sentences import Neighbours, Pair, shortened

# Documents of many short sentences, of long ones, of two, and of a single one.
TEXTS = Texts([[4, 3, 5, 2, 6, 4, 3, 2], [30, 12, 25], [5, 5], [9], [2] * 15, [7, 30]], end=1)
NONE = frozenset[int]()


def pairs(count: int = 400, room: int = 20) -> list[Pair]:
    neighbours = Neighbours(TEXTS, room=room, ends=frozenset({1}), seed=0)
    return [neighbours.pair(sample, stream(5, "pairs", sample)) for sample in range(count)]


def document(place: int) -> int:
    return int(np.searchsorted(TEXTS.bounds, place, side="right")) - 1


def test_runs_hold_every_sentence_that_has_a_neighbour():
    neighbours = Neighbours(TEXTS, room=20, ends=NONE, seed=0)
    held = [sentence for begin, stop in neighbours.runs for sentence in range(begin, stop)]
    assert sorted(set(held)) == [each for each in range(31) if each != 13]  # sentence 13 is a document


def test_runs_are_cut_as_soon_as_they_fill_a_row_of_two_sentences_at_least():
    by_hand = [(0, 5), (5, 8), (8, 10), (9, 11), (11, 13), (14, 24), (24, 29), (29, 31)]
    assert [tuple(run) for run in Neighbours(TEXTS, room=20, ends=NONE, seed=0).runs] == by_hand


def test_what_follows_is_of_the_same_document_and_begins_where_the_first_text_ended_unless_it_was_cut():
    for pair in pairs():
        if not pair.apart:
            assert document(pair.first[0]) == document(pair.second[0])
            assert pair.first[1] <= pair.second[0]
            whole = pair.second[1] - pair.first[0] <= 20
            assert pair.first[1] == pair.second[0] or not whole


def test_a_stranger_is_of_another_document():
    strangers = [pair for pair in pairs() if pair.apart]
    assert all(document(pair.first[0]) != document(pair.second[0]) for pair in strangers)
    assert {document(pair.second[0]) for pair in strangers} == set(range(6))


def test_half_of_the_pairs_are_strangers():
    apart = sum(pair.apart for pair in pairs(2_000))
    assert abs(apart - 1_000) < 4 * np.sqrt(2_000 / 4)


def test_both_texts_are_there_in_one_document_fit_into_the_row_and_leave_out_the_end():
    for pair in pairs():
        for begin, end in (pair.first, pair.second):
            assert begin < end
            assert document(begin) == document(end - 1)
            assert 1 not in TEXTS.slice(begin, end)
        assert pair.first[1] - pair.first[0] + pair.second[1] - pair.second[0] <= 20


def test_texts_begin_and_end_with_sentences_where_nothing_had_to_be_cut():
    assert TEXTS.sentences is not None
    borders = set(TEXTS.sentences.tolist())
    for pair in pairs(room=120):
        for begin, end in (pair.first, pair.second):
            assert begin in borders
            assert end in borders or end + 1 in TEXTS.bounds


def by_deleting(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of each stay, as BERT's release takes them away."""
    left, right = list(range(first)), list(range(second))
    while len(left) + len(right) > room:
        longer = left if len(left) > len(right) else right
        longer.pop()
    return len(left), len(right)


@pytest.mark.parametrize(
    ("first", "second", "room"),
    [(5, 6, 20), (30, 4, 10), (4, 30, 11), (9, 9, 9), (20, 14, 21), (13, 15, 3), (1, 40, 8)],
)
def test_pairs_are_shortened_token_by_token_from_the_longer(first: int, second: int, room: int):
    for seed in range(20):
        (low, high), (begin, end) = shortened(first, second, room, stream(seed, "cut"))
        assert (high - low, end - begin) == by_deleting(first, second, room)
        assert 0 <= low <= high <= first
        assert 0 <= begin <= end <= second


def test_front_and_back_are_shortened_as_often():
    fronts = [shortened(40, 5, 15, stream(seed, "cut"))[0][0] for seed in range(2_000)]
    assert abs(sum(fronts) - 30_000) < 4 * np.sqrt(2_000 * 30 / 4)


def test_a_corpus_without_sentences_is_refused():
    with pytest.raises(DataError, match="prepared without sentences"):
        Neighbours(Lines([[5, 5], [5, 5]]), room=20, ends=NONE, seed=0)


@pytest.mark.parametrize("shape", [[[5, 5, 5]], [[5], [6], [7]]])
def test_a_corpus_without_neighbours_or_strangers_is_refused(shape: list[list[int]]):
    with pytest.raises(DataError, match=f"has {len(shape)} documents and 3 sentences"):
        Neighbours(Texts(shape), room=20, ends=NONE, seed=0)


def test_an_empty_document_is_no_stranger():
    texts = Texts([[3, 3], [], [4]])
    neighbours = Neighbours(texts, room=20, ends=NONE, seed=0)
    drawn = [neighbours.pair(sample, stream(0, "pairs", sample)) for sample in range(20)]
    assert {tuple(texts.slice(*pair.second).tolist()) for pair in drawn if pair.apart} == {
        tuple(range(FIRST + 6, FIRST + 10))
    }
