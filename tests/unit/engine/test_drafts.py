"""Guesses follow what came after the same tokens before, and become rarer when they are wrong."""

from __future__ import annotations

from unmask.engine.drafts import LONGEST_PAUSE, WIDTHS, Drafts


def test_the_guess_is_what_followed_the_last_tokens_when_they_came_last():
    drafts = Drafts([1, 2, 3, 4, 5, 7, 1, 2, 3, 6, 8, 7, 1, 2, 3])
    assert drafts.guess(2) == [6]


def test_without_a_repetition_there_is_no_guess():
    assert Drafts([1, 2, 3, 4, 5]).guess(8) == []
    assert Drafts([1, 2]).guess(8) == []


def test_what_is_said_later_counts_too():
    drafts = Drafts([1, 2, 3, 4])
    drafts.extend([9, 1, 2])
    drafts.extend([3])
    drafts.judge(3)
    assert drafts.guess(8) == [4, 9, 1, 2, 3]


def test_no_more_is_guessed_than_is_asked_for():
    drafts = Drafts([1, 2, 3, 4, 5, 6, 7, 1, 2, 3])
    assert drafts.guess(1) == [4]
    assert drafts.guess(0) == []
    assert drafts.guess(-1) == []


def test_right_guesses_make_the_next_ones_longer_and_a_wrong_one_short_again():
    drafts = Drafts([1, 2, 3, *range(10, 30), 1, 2, 3])
    lengths = []
    for right in (1, 3, 5, 2, 0):
        lengths.append(len(drafts.guess(99)))
        drafts.judge(right)
    assert lengths == [WIDTHS[0], WIDTHS[1], WIDTHS[2], WIDTHS[2], WIDTHS[1]]
    assert len(drafts.guess(99)) == WIDTHS[0]


def test_wrong_guesses_in_a_row_pause_guessing_and_it_begins_again():
    drafts = Drafts([1, 2, 3, *range(10, 30), 1, 2, 3])
    for _ in range(2):
        assert drafts.guess(99)
        drafts.judge(0)
    silent = 0
    while not drafts.guess(99):
        silent += 1
    assert 1 <= silent <= LONGEST_PAUSE
