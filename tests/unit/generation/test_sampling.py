from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unmask.base.errors import RequestError
from unmask.generation.sampling import Chooser, Sampling, filtered, pick

EMPTY = torch.zeros(0, dtype=torch.int64)


def test_greedy_takes_the_best():
    assert int(Chooser(Sampling(), EMPTY, vocab=4).choose(torch.tensor([0.0, 3.0, -1.0, 2.0]))) == 1


def test_draws_follow_the_probabilities():
    logits, generator = torch.tensor([0.5, 0.3, 0.2]).log(), torch.Generator().manual_seed(0)
    counts = Counter(int(pick(logits, Sampling(temperature=1.0), generator)) for _ in range(6000))
    for token, share in enumerate([0.5, 0.3, 0.2]):
        assert counts[token] / 6000 == pytest.approx(share, abs=0.025)  # four standard deviations


def test_presence_subtracts_once_and_frequency_each_time_for_the_answer_alone():
    chooser = Chooser(Sampling(presence_penalty=0.5, frequency_penalty=0.25), torch.tensor([0]), vocab=3)
    for _ in range(3):
        chooser.choose(torch.tensor([0.0, 99.0, 0.0]))
    assert chooser.penalized(torch.zeros(3)).tolist() == [0.0, -0.5 - 3 * 0.25, 0.0]


def test_a_seed_repeats_its_draws_and_another_does_not():
    logits = torch.zeros(1000)

    def draws(seed: int) -> list[int]:
        chooser = Chooser(Sampling(temperature=1.0, seed=seed), EMPTY, vocab=1000)
        return [int(chooser.choose(logits)) for _ in range(8)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


@given(
    values=st.lists(st.floats(-30, 30), min_size=1, max_size=40),
    top_k=st.integers(0, 50),
    top_p=st.floats(0, 1),
    min_p=st.floats(0, 1),
)
def test_no_filter_ever_removes_the_best(values: list[float], top_k: int, top_p: float, min_p: float):
    logits = torch.tensor(values)
    kept = filtered(logits, Sampling(temperature=1.0, top_k=top_k, top_p=top_p, min_p=min_p))
    assert kept.max() == logits.max()


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", -0.1), ("top_p", 1.5), ("min_p", -1.0), ("top_k", -3), ("repetition_penalty", 0.0)],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: float):
    with pytest.raises(RequestError, match=f"{name} is {value}; it must be from"):
        Sampling(**{name: value})


def test_not_a_number_is_out_of_every_range():
    with pytest.raises(RequestError, match="temperature is nan"):
        Sampling(temperature=float("nan"))
