from __future__ import annotations

from math import log

import pytest
import torch
from torch import Tensor

from unmask.views.statistics import statistics

IDS = [5, 7, 5, 7, 9, 5, 5]


@pytest.fixture
def weights() -> Tensor:
    return torch.randn(3, 7, 7, generator=torch.Generator().manual_seed(1)).softmax(-1)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_each_number_is_the_mean_over_queries(weights: Tensor):
    found = statistics(weights, IDS)
    for head, table in enumerate(weights.tolist()):
        slots = range(7)
        copies = [[at for at in range(slot) if IDS[at] == IDS[slot]] for slot in slots]
        induction = [sum(table[slot][at + 1] for at in copies[slot]) for slot in slots if copies[slot]]
        assert found.of(head) == pytest.approx(
            {
                "entropy": mean([-sum(weight * log(weight) for weight in row) for row in table]),
                "previous": mean([table[slot][slot - 1] for slot in range(1, 7)]),
                "first": mean([row[0] for row in table]),
                "itself": mean([table[slot][slot] for slot in slots]),
                "induction": mean(induction),
            },
            abs=1e-4,  # they are rounded to four places
        )


def test_a_head_that_looks_at_one_token_has_no_entropy():
    found = statistics(torch.eye(4)[None], [1, 2, 3, 4])
    assert found.of(0) == {"entropy": 0.0, "previous": 0.0, "first": 0.25, "itself": 1.0, "induction": None}


def test_a_head_that_looks_everywhere_has_the_logarithm_of_the_length():
    assert float(statistics(torch.full((1, 8, 8), 1 / 8), list(range(8))).entropy) == pytest.approx(log(8), abs=1e-6)


def test_a_head_that_repeats_what_came_next_has_full_induction():
    weights = torch.eye(6)[None].clone()
    weights[0, 3:] = torch.eye(6)[1:4]  # the second a, b, c look at what came after the first
    assert float(statistics(weights, [1, 2, 3, 1, 2, 3]).induction) == 1.0


def test_where_nothing_repeats_there_is_no_induction_score():
    assert statistics(torch.eye(3)[None], [4, 5, 6]).induction is None


def test_a_single_token_has_none_before_it():
    assert statistics(torch.ones(2, 1, 1), [4]).of(1) == (
        {"entropy": 0.0, "previous": None, "first": 1.0, "itself": 1.0, "induction": None}
    )
