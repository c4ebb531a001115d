"""A classifier learns good texts from bad ones, and decides by chance as GPT-3's did."""

from __future__ import annotations

import random

import numpy as np
import pytest

from unmask.base.errors import DataError
from unmask.data.quality import Quality, learn_quality

GOOD = ["the ship sailed over the quiet sea", "a poem of the moon and the sea", "船在安静的海上航行", "月亮照着大海"]
BAD = ["click here to win a free prize", "buy cheap pills click now", "点击领取免费大奖", "便宜药品点击购买"]


@pytest.fixture(scope="module")
def quality():
    return learn_quality(GOOD * 5, BAD * 3, size=1 << 12)


@pytest.mark.parametrize(
    ("better", "worse"),
    [("the moon over the quiet sea", "click here, win cheap pills"), ("大海上的月亮", "点击购买大奖")],
)
def test_new_texts_are_told_apart_in_both_languages(quality, better, worse):
    assert quality.score(better) > 0.7
    assert quality.score(worse) < 0.3


def test_a_text_without_known_words_is_as_likely_good_as_bad(quality):
    assert 0.2 < quality.score("???") < 0.8


def test_many_examples_of_one_kind_do_not_outvote_the_other():
    lopsided = learn_quality(GOOD * 30, BAD, size=1 << 12)
    assert all(lopsided.score(text) < 0.5 for text in BAD)


@pytest.mark.parametrize("score", [0.2, 0.9, 0.99])
def test_as_many_texts_stay_as_the_pareto_distribution_says(score):
    quality = Quality(np.zeros(8, np.float32), bias=float(np.log(score / (1 - score))))
    kept = [quality.keeps(f"text {number}") for number in range(4_000)]
    drawn = np.random.default_rng(0).pareto(9, 400_000) > 1 - score  # the line of GPT-3's appendix A
    assert np.mean(kept) == pytest.approx(drawn.mean(), abs=4 * (drawn.mean() / 4_000) ** 0.5)


def test_the_same_text_always_has_the_same_fate():
    quality = Quality(np.zeros(8, np.float32), bias=2.0)
    texts = [f"text {number}" for number in range(200)]
    fates = {text: quality.keeps(text) for text in texts}
    random.Random(0).shuffle(texts)
    assert {text: quality.keeps(text) for text in texts} == fates
    assert set(fates.values()) == {True, False}


def test_what_is_saved_is_read_back(quality, tmp_path):
    quality.save(tmp_path / "quality.npz")
    again = Quality.load(tmp_path / "quality.npz")
    assert again.score(GOOD[0]) == quality.score(GOOD[0])
    assert again.fingerprint == quality.fingerprint
    assert Quality(again.weights, again.bias, alpha=3.0).fingerprint != quality.fingerprint


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"text"])
def test_a_file_that_is_no_classifier_is_refused(tmp_path, data):
    (tmp_path / "quality.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"quality\.npz is no classifier"):
        Quality.load(tmp_path / "quality.npz")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        Quality.load(tmp_path / "quality.npz")


@pytest.mark.parametrize(("good", "bad", "kind"), [([], BAD, "good"), (GOOD, [], "bad")])
def test_both_kinds_of_examples_are_needed(good, bad, kind):
    with pytest.raises(DataError, match=f"no {kind} examples"):
        learn_quality(good, bad)
