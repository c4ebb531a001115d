from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unmask.core.distribution import DISTRIBUTIONS, entmax, hard, softmax, sparsemax

POWERS = {"sparsemax": (1.0, 1.0), "entmax": (0.5, 2.0)}
"""Scores are scaled by the first; what is above the threshold is raised to the second (Peters et al. 2019, eq. 10)."""


def by_bisection(scores: list[float], scale: float, power: float) -> list[float]:
    """The weights of one row: the threshold under which they sum to 1 is searched for, not solved for."""
    scaled = [score * scale for score in scores]
    low, high = max(scaled) - 1, max(scaled)
    for _ in range(60):
        middle = (low + high) / 2
        if sum(max(score - middle, 0.0) ** power for score in scaled) > 1:
            low = middle
        else:
            high = middle
    return [max(score - low, 0.0) ** power for score in scaled]


def random(*shape: int, spread: float = 2.0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * spread


@pytest.mark.parametrize("name", POWERS)
@pytest.mark.parametrize("spread", [0.01, 1.0, 20.0])
def test_a_sparse_distribution_is_what_a_search_for_its_threshold_finds(name: str, spread: float):
    scores = random(20, 7, spread=spread)
    for row, found in zip(scores.tolist(), DISTRIBUTIONS[name](scores, None).tolist(), strict=True):
        assert found == pytest.approx(by_bisection(row, *POWERS[name]), abs=1e-9)


@pytest.mark.parametrize("name", POWERS)
def test_equal_scores_share_evenly_and_a_far_better_one_takes_all(name: str):
    scores = torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 9.0, 0.0, 0.0]])
    found = DISTRIBUTIONS[name](scores, None)
    assert torch.allclose(found, torch.tensor([[0.25] * 4, [0.0, 1.0, 0.0, 0.0]]))


@pytest.mark.parametrize("distribution", [softmax, sparsemax, entmax])
def test_the_gradient_is_that_of_finite_differences(distribution: object):
    visible = torch.tensor([[True, True, False, True, True]])
    scores = random(3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: distribution(given, visible), scores)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_is_hidden_gets_nothing_and_the_rest_sums_to_one(name: str):
    scores, visible = random(4, 3, 6), torch.rand(4, 3, 6, generator=torch.Generator().manual_seed(1)) < 0.6
    visible[0, 0] = False
    scores.requires_grad_()
    weights = DISTRIBUTIONS[name](scores, visible)
    assert not weights[~visible].any()
    assert torch.allclose(weights.sum(-1), visible.any(-1).double())
    alone = DISTRIBUTIONS[name](scores[1, 1][visible[1, 1]], None)
    assert torch.allclose(weights[1, 1][visible[1, 1]], alone)
    (weights * random(4, 3, 6)).sum().backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
    assert not scores.grad[~visible].any()


def test_hard_takes_the_best_key_whole_and_learns_as_the_softmax_does():
    scores = torch.tensor([[0.1, 2.0, -1.0], [3.0, 3.0, 1.0]], requires_grad=True)
    values = torch.tensor([1.0, -2.0, 5.0])
    found = hard(scores, None)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0]]
    (found @ values).sum().backward()
    own, twin = scores.grad, scores.detach().clone().requires_grad_()
    (softmax(twin, None) @ values).sum().backward()
    assert torch.equal(own, twin.grad)
