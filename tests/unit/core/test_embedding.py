from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from unmask.core.embedding import Embedding, EmbeddingSpec
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import LearnedSpec, SinusoidSpec

TOKENS = torch.tensor([[4, 1, 1], [0, 3, 2]])


def rows(embedding: Embedding, *tables: tuple[str, list[list[int]]]) -> Tensor:
    """The sum of the rows that are named, spelt out in loops."""
    return torch.stack(
        [
            torch.stack(
                [sum(getattr(embedding, name).weight[numbers[b][t]] for name, numbers in tables) for t in range(3)]
            )
            for b in range(2)
        ]
    )


def test_glm_adds_a_row_for_the_place_in_a_blank():
    embedding = EmbeddingSpec(5, positions=LearnedSpec(9), blanks=LearnedSpec(9)).build(8)
    places = [[[0, 1, 1], [0, 0, 1]], [[3, 3, 3], [1, 2, 3]]]  # [B, 2, T]
    wanted = rows(
        embedding,
        ("tokens", TOKENS.tolist()),
        ("positions", [places[0][0], places[1][0]]),
        ("blanks", [places[0][1], places[1][1]]),
    )
    assert torch.allclose(embedding(TOKENS, torch.tensor(places)), wanted, atol=1e-7)


def test_without_places_in_blanks_all_are_outside_of_one():
    embedding = EmbeddingSpec(5, positions=LearnedSpec(9), blanks=LearnedSpec(9)).build(8)
    positions = torch.tensor([[5, 6, 7]])
    spelled = torch.stack([positions, torch.zeros_like(positions)], dim=1)
    assert torch.equal(embedding(TOKENS, positions), embedding(TOKENS, spelled))


def test_rows_of_tokens_can_be_scaled_by_the_root_of_the_width():
    embedding = EmbeddingSpec(5, positions=LearnedSpec(9), scaled=True).build(16)
    wanted = embedding.tokens.weight[TOKENS] * 4 + embedding.positions.weight[:3]
    assert torch.allclose(embedding(TOKENS, torch.arange(3)[None]), wanted)


@pytest.mark.parametrize("width", [8, 7])
def test_waves_are_sines_and_cosines_of_falling_rates(width: int):
    waves = SinusoidSpec(100).build(width)(torch.tensor([[0, 1, 63]]))
    sines = math.ceil(width / 2)
    for at, position in enumerate((0, 1, 63)):
        angles = [position / 10_000 ** (2 * i / width) for i in range(sines)]
        wanted = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles[: width - sines]]
        assert waves[0, at].tolist() == pytest.approx(wanted, abs=1e-5)


def test_waves_are_added_in_the_numbers_that_the_model_computes_in():
    embedding = EmbeddingSpec(5, positions=SinusoidSpec(9), norm=LayerNormSpec()).build(8).bfloat16()
    assert embedding(TOKENS, torch.arange(3)[None]).dtype == torch.bfloat16
    assert not [name for name, _ in embedding.named_parameters() if "positions" in name]
