"""The settings beside the chat."""

from __future__ import annotations

import pytest

import unmask
from unmask.base.errors import RequestError
from unmask.generation.sampling import Sampling
from unmask.web.knobs import Knobs, advised
from unmask.web.settings import knobs


def test_they_begin_as_the_makers_advise(tiny_model: unmask.Model):
    assert advised(tiny_model).sampling() == tiny_model.sampling
    assert advised(tiny_model).limit == 512


def test_what_the_page_sends_is_what_is_sampled_with():
    sent = knobs((0.5, 0.9, 40.0, 0.05, 1.1, 100.0, 7.0))
    assert sent == Knobs(0.5, 0.9, 40, 0.05, 1.1, 100, 7)
    assert sent.sampling() == Sampling(temperature=0.5, top_p=0.9, top_k=40, min_p=0.05, repetition_penalty=1.1, seed=7)


def test_no_seed_is_another_each_time():
    assert knobs((0.5, 0.9, 40, 0.05, 1.1, 100, None)).sampling().seed is None


def test_a_value_out_of_its_range_is_refused():
    with pytest.raises(RequestError, match=r"top_p is 2"):
        knobs((0.5, 2, 40, 0.05, 1.1, 100, None)).sampling()
