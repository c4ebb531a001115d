"""What a run is said to cost, held against the papers' formulas and torch's own counter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from unmask.core.transformer import Transformer
from unmask.families.gpt import GPTSize, gpt
from unmask.recipes.plan import Plan, Work, plan
from unmask.training.settings import TrainSettings

WIDTH, DEPTH, HEADS, VOCAB, CONTEXT = 64, 3, 4, 500, 32
SPEC = gpt(GPTSize(width=WIDTH, depth=DEPTH, heads=HEADS, hidden=4 * WIDTH, vocab=VOCAB, context=CONTEXT))
CPU = torch.device("cpu")


def forward(model: Transformer, rows: int) -> Tensor:
    return model(torch.zeros(rows, CONTEXT, dtype=torch.int64, device="meta"))


def planned(**settings: object) -> Plan:
    asked = {"steps": 10, **settings}
    return plan(SPEC, TrainSettings(**asked), Work(8, CONTEXT, 1.0, forward), CPU, measured=0.01)  # type: ignore[arg-type]


def test_arithmetic_is_that_of_the_palm_papers_appendix_b():
    matrices = DEPTH * 12 * WIDTH**2 + VOCAB * WIDTH
    per_token = 6 * matrices + 12 * DEPTH * WIDTH * CONTEXT
    assert planned().flops == 10 * 8 * CONTEXT * per_token


def test_arithmetic_is_what_torch_counts_of_a_real_step():
    model, tokens = SPEC.build(), torch.zeros(8, CONTEXT, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        model.logits(tokens).sum().backward()
    assert planned(steps=1).flops == counter.get_total_flops()


def test_parameters_and_tokens_are_counted():
    found = planned()
    assert found.parameters == sum(each.numel() for each in SPEC.build().parameters())
    assert found.tokens == 10 * 8 * CONTEXT


def test_float32_holds_a_weight_a_gradient_and_two_means():
    found = planned()
    size = 4 * found.parameters
    assert (found.weights, found.gradients, found.optimizer) == (size, size, 2 * size)
    assert found.memory == 4 * size + found.activations + found.runtime
    assert found.runtime > 100e6


def test_bfloat16_holds_the_weights_twice():
    found = planned(dtype="bfloat16")
    assert (found.weights, found.gradients, found.optimizer) == tuple(found.parameters * each for each in (6, 6, 8))


def test_products_that_are_widened_are_counted_as_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    assert planned(dtype="bfloat16").flops == planned().flops


def test_a_running_mean_takes_as_much_as_the_weights():
    assert planned(average=0.9).optimizer - planned().optimizer == 4 * planned().parameters


def test_what_stays_on_the_disk_is_every_checkpoint_with_its_moments():
    found = planned(keep=3)
    assert found.checkpoints == 3 * 3 * 4 * found.parameters


def test_fewer_rows_at_once_keep_less_for_the_same_arithmetic():
    whole, half = planned(), planned(micro_rows=4)
    assert half.flops == whole.flops
    # All but the scores of a piece of the vocabulary is as large as the rows are many.
    assert 0.4 < half.activations / whole.activations < 0.7


def test_computing_again_keeps_less():
    assert planned(checkpointing=True).activations < 0.7 * planned().activations


def test_attention_keeps_no_weights():
    long = gpt(GPTSize(width=WIDTH, depth=1, heads=HEADS, hidden=WIDTH, vocab=8, context=4096))
    work = Work(1, 4096, 1.0, lambda model, rows: model(torch.zeros(rows, 4096, dtype=torch.int64, device="meta")))
    weights = HEADS * 4096**2 * 4
    assert plan(long, TrainSettings(steps=1), work, CPU, measured=0.01).activations < weights / 4


def test_the_time_is_the_arithmetic_at_a_share_of_a_products_speed():
    found = planned()
    assert found.seconds == pytest.approx(found.flops / (0.4 * found.speed))
    assert found.speed > 1e7
