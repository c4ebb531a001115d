"""Divergence and agreement of distributions that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import unmask
from unmask.evaluation.divergence import divergence
from unmask.evaluation.windows import Window, reading, windows

PLACES, VOCAB = 200, 30
WINDOW = Window(tuple(i % VOCAB for i in range(PLACES + 1)), first=1)


def stored(scores: Tensor):
    """A model whose scores of the window [PLACES, VOCAB] are these, given 64 rows at a time."""

    def read(window: Window):
        return zip(scores.split(64), torch.tensor(window.ids[1:]).split(64), strict=True)

    return read


def test_figures_are_those_of_plain_loops():
    wanted, given = torch.randn(PLACES, VOCAB), torch.randn(PLACES, VOCAB)
    given = wanted + 0.3 * given
    p, q = (np.exp(each.double().numpy()) for each in (wanted, given))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    apart = [sum(a * np.log(a / b) for a, b in zip(row, other, strict=True)) for row, other in zip(p, q, strict=True)]
    best, found = np.argsort(-p, axis=1), np.argsort(-q, axis=1)
    overlap = [len(set(a[:5]) & set(b[:5])) / 5 for a, b in zip(best, found, strict=True)]
    seen = divergence(stored(wanted), stored(given), [WINDOW])
    assert seen.mean == pytest.approx(np.mean(apart), rel=1e-5)
    assert seen.high == pytest.approx(np.quantile(apart, 0.99), rel=1e-5)
    assert seen.first == pytest.approx(np.mean(best[:, 0] == found[:, 0]))
    assert seen.few == pytest.approx(np.mean(overlap))
    assert 0 < seen.first < 1
    assert 0 < seen.few < 1


def test_the_reference_weighs_the_places_and_has_its_own_perplexity():
    sure, wavering = torch.zeros(PLACES, VOCAB), torch.zeros(PLACES, VOCAB)
    sure[:, 0] = 20.0
    assert divergence(stored(sure), stored(wavering), [WINDOW]).mean == pytest.approx(np.log(VOCAB), rel=1e-4)
    seen = divergence(stored(wavering), stored(sure), [WINDOW])
    assert seen.mean == pytest.approx(20 - 20 / VOCAB - np.log(VOCAB), rel=1e-3)
    assert seen.reference.value == pytest.approx(VOCAB)
    assert seen.model.value > VOCAB


def test_a_model_does_not_differ_from_itself(tiny_model: unmask.Model):
    parts = windows(tiny_model.reader, "The quick brown fox jumps over the lazy dog." * 3, length=16)
    read = reading(tiny_model.core)
    seen = divergence(read, read, parts)
    assert (seen.mean, seen.high, seen.first, seen.few) == (0, 0, 1, 1)
    assert seen.model == seen.reference
