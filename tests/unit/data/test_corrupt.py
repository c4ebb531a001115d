"""What is hidden of a row, and how, against the shares that BERT's authors give."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.base.errors import DataError
from unmask.base.streams import stream
from unmask.data.batch import IGNORED
from unmask.data.corrupt import Corruption, Rates, chosen_words

MASK, VOCAB = 4, 1_000
SPECIAL = np.arange(VOCAB) < 5


def corrupted(rates: Rates | None = None, *, rows: int = 1_000, size: int = 64) -> tuple[np.ndarray, ...]:
    """Rows of tokens from 5 on between two special ones; what is seen of them; their targets."""
    corrupt, random = Corruption(rates or Rates(), MASK, SPECIAL), stream(0, "rows")
    tokens = random.integers(5, VOCAB, size=(rows, size))
    tokens[:, 0], tokens[:, -1] = 2, 3
    seen, targets = zip(*(corrupt(row, None, stream(0, "test", at)) for at, row in enumerate(tokens)), strict=True)
    return tokens, np.stack(seen), np.stack(targets)


def within_four_sigma(count: int, of: int, share: float) -> bool:
    return abs(count - of * share) < 4 * np.sqrt(of * share * (1 - share))


def test_15_in_100_are_asked_and_of_them_8_in_10_are_masked_1_replaced_and_1_kept():
    tokens, seen, targets = corrupted()
    asked = targets != IGNORED
    assert within_four_sigma(asked.sum(), 1_000 * 62, 0.15)
    masked, kept = (seen == MASK) & asked, (seen == tokens) & asked
    assert within_four_sigma(masked.sum(), asked.sum(), 0.8)
    # A token drawn at random is once in 995 the one that stood there.
    assert within_four_sigma(kept.sum(), asked.sum(), 0.1 + 0.1 / 995)


def test_targets_are_the_tokens_that_stood_there_and_all_else_stays():
    tokens, seen, targets = corrupted()
    asked = targets != IGNORED
    assert (targets[asked] == tokens[asked]).all()
    assert (seen[~asked] == tokens[~asked]).all()


def test_special_tokens_are_neither_asked_nor_put_in_anothers_place():
    _, seen, targets = corrupted(Rates(chosen=1.0, masked=0.0, replaced=1.0), rows=200)
    assert (targets[:, [0, -1]] == IGNORED).all()
    assert (targets[:, 1:-1] != IGNORED).all()
    assert not SPECIAL[seen[:, 1:-1]].any()


def test_every_other_token_is_put_in_anothers_place_as_often():
    seen = corrupted(Rates(chosen=1.0, masked=0.0, replaced=1.0), rows=1_000)[1][:, 1:-1]
    counts = np.bincount(seen.flatten(), minlength=VOCAB)[5:]
    # 994 degrees of freedom: mean 994, deviation sqrt(2 * 994).
    assert abs(((counts - counts.mean()) ** 2 / counts.mean()).sum() - 994) < 4 * np.sqrt(2 * 994)


def test_every_place_is_asked_as_often():
    asked = (corrupted(rows=2_000)[2] != IGNORED)[:, 1:-1].sum(0)
    assert abs(((asked - asked.mean()) ** 2 / asked.mean()).sum() / 0.85 - 61) < 4 * np.sqrt(2 * 61)


def test_a_row_is_asked_the_share_rounded_up_or_down_and_one_token_at_least():
    assert set((corrupted(rows=100)[2] != IGNORED).sum(1)) == {9, 10}  # 62 * 0.15 = 9.3
    assert set((corrupted(rows=100, size=4)[2] != IGNORED).sum(1)) == {1}


def test_a_row_of_special_tokens_alone_is_asked_nothing():
    targets = Corruption(Rates(), MASK, SPECIAL)(np.array([2, 3]), None, stream(0, "test"))[1]
    assert targets.tolist() == [IGNORED, IGNORED]


def words(heads: list[int], special: list[int], rate: float, seed: int) -> list[int]:
    """The chosen places of a row whose words begin at `heads`, if places `special` are not to be chosen."""
    size = 24
    places = np.arange(size)
    chosen = chosen_words(~np.isin(places, special), np.isin(places, heads), rate, stream(seed, "words"))
    return chosen.nonzero()[0].tolist()


def test_words_are_chosen_as_a_whole():
    heads, special = [0, 1, 4, 6, 7, 12, 15, 16, 20], [0, 23]
    ends = [1, 4, 6, 7, 12, 15, 16, 20, 23]
    for seed in range(200):
        chosen = words(heads, special, 0.3, seed)
        spans = [set(range(begin, end)) for begin, end in zip(heads, ends, strict=True) if begin]
        assert all(span <= set(chosen) or span.isdisjoint(chosen) for span in spans)
        assert 0 < len(chosen) <= 6 + 5  # 22 * 0.3 = 6.6, and the last word may reach beyond


def test_words_of_every_length_are_chosen_as_often():
    cut = stream(1, "cut").permutation([1] * 12 + [2] * 12 + [3] * 8)  # tokens of each word, 60 in all
    heads = np.isin(np.arange(60), np.cumsum([0, *cut]))
    free = np.ones(60, dtype=np.bool_)
    chosen = np.stack([chosen_words(free, heads, 0.15, stream(seed, "words"))[heads] for seed in range(1_500)])
    for size in (1, 2, 3):
        of = 1_500 * (cut == size).sum()
        assert within_four_sigma(chosen[:, cut == size].sum(), of, 0.15)


def test_a_special_token_ends_a_word_and_what_follows_it_is_a_word_of_its_own():
    for seed in range(50):
        chosen = words([0], [0, 10], 0.2, seed)  # 1..9 and 11..23 are words though nothing says that 11 begins one
        assert chosen in (list(range(1, 10)), list(range(11, 24)))


def test_a_word_longer_than_the_share_is_chosen_where_there_is_nothing_else():
    assert words([0], [], 0.1, seed=0) == list(range(24))


@pytest.mark.parametrize(
    ("chosen", "masked", "replaced"), [(0.0, 0.8, 0.1), (1.5, 0.8, 0.1), (0.15, 0.8, 0.3), (0.15, -0.1, 0.1)]
)
def test_shares_that_cannot_be_are_refused(chosen: float, masked: float, replaced: float):
    with pytest.raises(DataError, match=f"Masking {chosen} of the tokens, {masked} .* and {replaced} by others"):
        Rates(chosen, masked, replaced)
