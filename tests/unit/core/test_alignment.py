from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from unmask.core.alignment import ALIGNMENTS, keys, scores

WIDTH, CONTEXT = 6, 9
Rule = Callable[[Tensor, Tensor, int, dict[str, Tensor]], Tensor]
"""A query [W], a key [W], the key's place and the weights by name -> the score."""


def dot(query: Tensor, key: Tensor) -> Tensor:
    return torch.stack([q * k for q, k in zip(query, key, strict=True)]).sum()


def applied(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.stack([dot(row, vector) for row in matrix])


ORACLES: dict[str, Rule] = {
    "dot": lambda q, k, s, w: dot(q, k),
    "scaled-dot": lambda q, k, s, w: dot(q, k) / math.sqrt(WIDTH),
    "general": lambda q, k, s, w: dot(q, applied(w["key.weight"], k)),
    "additive": lambda q, k, s, w: dot(
        w["score.weight"][0], torch.tanh(applied(w["query.weight"], q) + applied(w["key.weight"], k))
    ),
    "concat": lambda q, k, s, w: dot(
        w["score.weight"][0], torch.tanh(applied(w["both.weight"], torch.tensor([*q.tolist(), *k.tolist()])))
    ),
    "cosine": lambda q, k, s, w: 10 * dot(q, k) / (dot(q, q).sqrt() * dot(k, k).sqrt()),
    "location": lambda q, k, s, w: applied(w["place.weight"], q)[s],
    "gaussian": lambda q, k, s, w: -dot(q - k, q - k) / (2 * math.sqrt(WIDTH)),
}


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_an_alignment_is_what_loops_over_its_formula_give(name: str):
    torch.manual_seed(0)
    alignment = ALIGNMENTS[name](WIDTH, CONTEXT)
    weights = dict(alignment.state_dict()) if isinstance(alignment, torch.nn.Module) else {}
    query, memory = torch.randn(2, 1, 4, WIDTH), torch.randn(2, 1, 5, WIDTH)
    with torch.no_grad():
        found = scores(alignment, query, keys(alignment, memory))
    for row in range(2):
        for t in range(4):
            for s in range(5):
                wanted = ORACLES[name](query[row, 0, t], memory[row, 0, s], s, weights)
                assert found[row, 0, t, s].item() == pytest.approx(wanted.item(), abs=1e-5)


def test_under_a_softmax_the_gaussian_reads_the_nadaraya_watson_estimate():
    inputs, outputs, asked = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.7, 2.9])
    alignment = ALIGNMENTS["gaussian"](1, 3)
    found = scores(alignment, asked[:, None], inputs[:, None]).softmax(-1) @ outputs
    for query, value in zip(asked.tolist(), found.tolist(), strict=True):
        nearness = [math.exp(-((query - x) ** 2) / 2) for x in inputs.tolist()]
        wanted = sum(n * y for n, y in zip(nearness, outputs.tolist(), strict=True)) / sum(nearness)
        assert value == pytest.approx(wanted, abs=1e-6)
