"""The cost of tokens in pieces, against the plain line with all scores at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unmask.core.heads import MaskedTokenSpec
from unmask.core.norms import LayerNormSpec
from unmask.core.widening import wide_linear
from unmask.data.batch import IGNORED
from unmask.training import crossentropy
from unmask.training.crossentropy import plain_token_loss, token_loss

ROWS, WIDTH, VOCAB = 23, 8, 11


def gradients(loss: Tensor, *of: Tensor) -> list[Tensor]:
    return [each.clone() for each in torch.autograd.grad(loss * 0.7, of)]


def case() -> tuple[Tensor, Tensor]:
    hidden = torch.randn(ROWS, WIDTH, requires_grad=True)
    targets = torch.randint(VOCAB, (ROWS,))
    targets[::4] = IGNORED
    return hidden, targets


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("bias", [False, True])
def test_pieces_give_the_cost_and_the_gradients_of_the_whole(
    smoothing: float, bias: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(crossentropy, "LEAST_ROWS", 5)
    monkeypatch.setattr(crossentropy, "SCORES", 1)
    monkeypatch.setattr(crossentropy, "SLICE", 2 * VOCAB)
    hidden, targets = case()
    head = nn.Linear(WIDTH, VOCAB, bias=bias)
    mine, plain = (way(hidden, head, targets, smoothing=smoothing) for way in (token_loss, plain_token_loss))
    torch.testing.assert_close(mine, plain)
    for found, wanted in zip(
        gradients(mine, hidden, *head.parameters()), gradients(plain, hidden, *head.parameters()), strict=True
    ):
        torch.testing.assert_close(found, wanted)


def test_a_masked_models_head_learns_as_in_one_line():
    hidden, targets = case()
    head = MaskedTokenSpec(activation="gelu", norm=LayerNormSpec(1e-5)).build(WIDTH, nn.Embedding(VOCAB, WIDTH))
    mine, plain = (way(hidden, head, targets) for way in (token_loss, plain_token_loss))
    torch.testing.assert_close(mine, plain)
    for found, wanted in zip(
        gradients(mine, hidden, *head.parameters()), gradients(plain, hidden, *head.parameters()), strict=True
    ):
        torch.testing.assert_close(found, wanted)


def test_a_head_that_is_no_plain_matrix_is_asked_as_it_is():
    hidden, targets = case()
    head = nn.Sequential(nn.Linear(WIDTH, VOCAB), nn.Tanh())
    torch.testing.assert_close(token_loss(hidden, head, targets), plain_token_loss(hidden, head, targets))


def test_where_nothing_is_learnt_the_cost_is_the_same():
    hidden, targets = case()
    head = nn.Linear(WIDTH, VOCAB)
    with torch.no_grad():
        torch.testing.assert_close(token_loss(hidden, head, targets), plain_token_loss(hidden, head, targets))


def test_places_of_which_nothing_is_asked_cost_nothing_and_move_nothing():
    hidden, targets = case()
    head = nn.Linear(WIDTH, VOCAB, bias=False)
    moved = gradients(token_loss(hidden, head, targets), hidden)[0]
    assert not moved[targets == IGNORED].any()
    assert token_loss(hidden, head, torch.full_like(targets, IGNORED)).item() == 0.0


def test_a_widened_head_has_the_exact_cost_and_its_gradients_are_rounded_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crossentropy, "LEAST_ROWS", 5)
    monkeypatch.setattr(crossentropy, "SCORES", 1)
    hidden, targets = case()
    narrow, head = hidden.detach().bfloat16().requires_grad_(), wide_linear(nn.Linear(WIDTH, VOCAB).bfloat16())
    exact, wide = narrow.detach().float().requires_grad_(), nn.Linear(WIDTH, VOCAB)
    wide.load_state_dict(head.state_dict())
    mine, plain = token_loss(narrow, head, targets), plain_token_loss(exact, wide, targets)
    torch.testing.assert_close(mine, plain)
    step = torch.finfo(torch.bfloat16).eps
    for found, wanted in zip(
        gradients(mine, narrow, *head.parameters()), gradients(plain, exact, *wide.parameters()), strict=True
    ):
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.float(), wanted, rtol=step, atol=1e-6)
