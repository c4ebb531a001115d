"""Our filters and penalties against transformers' logits processors."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from unmask.generation.sampling import Chooser, Sampling, filtered


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("sampling", "oracles"),
    [
        (Sampling(temperature=1.0, top_k=7), [TopKLogitsWarper(7)]),
        (Sampling(temperature=1.0, top_p=0.6), [TopPLogitsWarper(0.6)]),
        (Sampling(temperature=1.0, min_p=0.2), [MinPLogitsWarper(0.2)]),
        (
            Sampling(temperature=0.7, top_k=20, top_p=0.8, min_p=0.05),
            [TemperatureLogitsWarper(0.7), TopKLogitsWarper(20), TopPLogitsWarper(0.8), MinPLogitsWarper(0.05)],
        ),
    ],
)
def test_filters_keep_what_transformers_keeps(seed: int, sampling: Sampling, oracles: list[TopKLogitsWarper]):
    logits = torch.randn(101, generator=torch.Generator().manual_seed(seed)) * 3
    wanted = logits[None]
    for oracle in oracles:
        wanted = oracle(torch.zeros(1, 1, dtype=torch.int64), wanted)
    torch.testing.assert_close(filtered(logits / sampling.temperature, sampling), wanted[0])


def test_the_repetition_penalty_is_that_of_transformers():
    prompt, logits = torch.tensor([3, 5, 3]), torch.randn(20)
    wanted = RepetitionPenaltyLogitsProcessor(1.7)(prompt[None], logits[None])[0]
    torch.testing.assert_close(Chooser(Sampling(repetition_penalty=1.7), prompt, vocab=20).penalized(logits), wanted)
