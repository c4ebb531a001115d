"""Blocks are shared by rows that begin alike, kept for those to come, and forgotten where room is wanted."""

from __future__ import annotations

from unmask.engine.blocks import Blocks


def written(blocks: Blocks, tokens: list[int]) -> list[int]:
    """The blocks of a row of whole blocks that has just been written."""
    taken = blocks.take(len(tokens) // blocks.size)
    for full in range(1, len(taken) + 1):
        blocks.learn(taken[:full], tokens[(full - 1) * blocks.size : full * blocks.size])
    return taken


def test_a_row_shares_the_whole_blocks_of_the_longest_beginning_that_is_known():
    blocks = Blocks(8, 2)
    first = written(blocks, [1, 2, 3, 4, 5, 6])
    assert blocks.shared([1, 2, 3, 4, 9, 9]) == first[:2]
    assert blocks.shared([1, 2, 3]) == first[:1]
    assert blocks.shared([3, 4]) == []


def test_the_same_tokens_after_another_beginning_are_not_the_same():
    blocks = Blocks(8, 2)
    written(blocks, [1, 2, 3, 4])
    other = written(blocks, [9, 9])
    assert blocks.shared([9, 9, 3, 4]) == other


def test_what_a_row_leaves_is_found_again_until_its_room_is_wanted():
    blocks = Blocks(3, 2)
    left = written(blocks, [1, 2, 3, 4])
    blocks.give_back(left)
    assert blocks.available == 3
    assert blocks.shared([1, 2, 3, 4, 5]) == left
    blocks.give_back(left)
    blocks.take(2)  # the free one, and the last block of the beginning
    assert blocks.shared([1, 2, 3, 4, 5]) == left[:1]


def test_the_longest_unused_beginning_is_forgotten_first():
    blocks = Blocks(2, 2)
    one, two = written(blocks, [1, 1]), written(blocks, [2, 2])
    blocks.give_back(one)
    blocks.give_back(two)
    blocks.give_back(blocks.shared([1, 1]))  # used once more
    blocks.take(1)
    assert blocks.shared([2, 2]) == []
    assert blocks.shared([1, 1]) == one


def test_a_shared_block_is_free_only_when_all_have_let_go():
    blocks = Blocks(2, 2)
    row = written(blocks, [1, 2])
    also = blocks.shared([1, 2])
    blocks.give_back(row)
    assert blocks.available == 1
    blocks.give_back(also)
    assert blocks.available == 2


def test_what_followed_a_forgotten_block_is_never_found_again():
    blocks = Blocks(3, 1)
    row = written(blocks, [1, 2])
    blocks.give_back(row[:1])  # the beginning alone is free
    blocks.take(2)  # the third block, and the beginning's
    blocks.give_back(row[1:])
    again = written(blocks, [1])
    assert blocks.shared([1, 2]) == again


def test_a_block_with_a_known_content_is_not_learnt_twice():
    blocks = Blocks(4, 2)
    first = written(blocks, [1, 2])
    second = written(blocks, [1, 2])
    blocks.give_back(second)
    assert blocks.shared([1, 2]) == first
    assert blocks.available == 3
