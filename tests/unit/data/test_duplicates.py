"""What was there before is found, the same or nearly so; what was not is let through."""

from __future__ import annotations

import random

import numpy as np
import pytest

from unmask.data import duplicates
from unmask.data.duplicates import Exact, Near, SeenKeys, shingles, signature

WORDS = [f"word{number}" for number in range(2_000)]
CHARACTERS = [chr(0x4E00 + number) for number in range(2_000)]


def written(letters, joint, seed, length=300):
    return joint.join(random.Random(seed).choices(letters, k=length))


def test_the_same_text_is_found_whatever_its_blanks_and_capitals():
    seen = Exact().seen
    assert [seen(text) for text in ("A  b\nc", "a B c", "ａ b c", "a b", "今天", "今天")] == [
        *(False, True, True),
        *(False, False, True),
    ]


@pytest.mark.parametrize(("letters", "joint"), [(WORDS, " "), (CHARACTERS, "")])
def test_a_text_with_few_changes_is_a_near_duplicate_and_another_is_none(letters, joint):
    near = Near()
    texts = [written(letters, joint, seed) for seed in range(20)]
    assert not any(map(near.seen, texts))
    for text in texts:
        middle = len(text) // 2
        assert near.seen(text[:middle].rstrip() + joint + letters[0] + joint + text[middle:].lstrip())
    assert not any(near.seen(written(letters, joint, seed)) for seed in range(20, 40))


def test_texts_shorter_than_a_phrase_are_duplicates_only_if_they_are_the_same():
    seen = Near(size=5).seen
    assert [seen(text) for text in ("one two", "one, TWO!", "one three", "天气", "")] == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_the_least_hashes_agree_as_often_as_phrases_are_shared():
    one, other = written(WORDS, " ", 1).split(), written(WORDS, " ", 2).split()
    mixed = one[:200] + other[:100]
    first, second = (shingles(words, 5) for words in (one, mixed))
    shared = len(np.intersect1d(first, second)) / len(np.union1d(first, second))
    size = 4_096
    agreed = (signature(first, size) == signature(second, size)).mean()
    assert agreed == pytest.approx(shared, abs=4 * (shared * (1 - shared) / size) ** 0.5)


def test_a_signature_is_the_same_however_many_phrases_are_hashed_at_a_time(monkeypatch):
    numbers = shingles(written(WORDS, " ", 3).split(), 5)
    whole = signature(numbers, 112)
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    assert (signature(numbers, 112) == whole).all()


def test_keys_are_found_in_the_sorted_array_as_in_the_set(monkeypatch):
    monkeypatch.setattr(duplicates, "FRESH", 10)
    keys, chance, known = SeenKeys(), random.Random(0), set[int]()
    for _ in range(2_000):
        key = chance.randrange(3_000) * (2**64 // 3_000)
        assert keys.seen([key]) == (key in known)
        known.add(key)
    assert len(keys.sorted) + len(keys.latest) == len(known)
    assert len(keys.latest) <= len(known) / 8
