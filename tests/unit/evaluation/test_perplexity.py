"""Perplexity of distributions that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import unmask
from unmask.evaluation.perplexity import perplexity
from unmask.evaluation.windows import Window, reading, windows

WINDOWS = [Window((0, 1, 2, 3), first=1), Window((4, 5, 6, 7), first=2)]


def guesses(scores: Tensor):
    """A model that always has the same scores, and gives them two rows at a time."""

    def read(window: Window):
        ids = torch.tensor(window.ids[window.first :])
        for part in ids.split(2):
            yield scores.expand(len(part), -1), part

    return read


def test_who_finds_eight_tokens_equally_likely_wavers_among_eight():
    found = perplexity(guesses(torch.zeros(8)), WINDOWS)
    assert found.value == pytest.approx(8)
    assert found.error == pytest.approx(0, abs=1e-6)
    assert found.tokens == 5


def test_value_and_error_are_those_of_the_probabilities_themselves():
    scores = torch.randn(8)
    weights = np.exp(scores.double().numpy())
    losses = np.array([-math.log(weights[i] / weights.sum()) for i in (1, 2, 3, 6, 7)])
    found = perplexity(guesses(scores), WINDOWS)
    assert found.value == pytest.approx(math.exp(losses.mean()))
    assert found.error == pytest.approx(math.exp(losses.mean()) * losses.std(ddof=1) / math.sqrt(5))


def test_with_one_window_it_is_what_score_says(tiny_model: unmask.Model):
    text = "The quick brown fox jumps over the lazy dog."
    score = tiny_model.score(text)
    parts = windows(tiny_model.reader, text, length=len(score.ids), stride=1)
    assert perplexity(reading(tiny_model.core), parts).value == pytest.approx(score.perplexity, rel=1e-5)
