"""GPTQ against the plain form of its paper: one row at a time, the inverse shrunk column by column."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unmask.quantization.gptq import DAMPING, influence_of, quantize_block, rounded
from unmask.quantization.rounding import codes_of, quantize
from unmask.quantization.schemes import SCHEMES, Scheme
from unmask.quantization.sites import Inputs, Site

WIDE = Scheme("wide", 4, 160)
SCHEMES_TRIED = [SCHEMES["int4-32"], SCHEMES["int4-64-zero"], SCHEMES["int8"], WIDE]


def together(count: int, width: int) -> Tensor:
    """Inputs whose channels go together, as a model's do: many from few, with a little of each one's own."""
    return torch.randn(count, width // 4) @ torch.randn(width // 4, width) + 0.1 * torch.randn(count, width)


def seen(x: Tensor) -> Inputs:
    found = Inputs(torch.zeros(2 * x.shape[1:]), torch.zeros(x.shape[1:]))
    found.add(x)
    return found


def by_the_paper(weight: Tensor, second: Tensor, scheme: Scheme) -> np.ndarray:
    """Section 3.1's greedy step in a fixed order, in float64, with an inverse that loses a column each time."""
    moments = second.double().numpy()
    moments = moments + DAMPING * np.mean(np.diag(moments)) * np.eye(len(moments))
    out = np.zeros(weight.shape)
    for n, row in enumerate(weight.double().numpy().copy()):
        inverse = np.linalg.inv(moments)
        for k in range(len(row)):
            if k % scheme.span(len(row)) == 0:
                part = torch.tensor(row[None, k : k + scheme.span(len(row))]).float()
                _, scale, minimum = (None if each is None else each.double() for each in codes_of(part, scheme))
                low = 0.0 if minimum is None else minimum.item()
            code = np.clip(np.rint((row[k] - low) / scale.item()) + scheme.zero, 0, scheme.last)
            out[n, k] = scale.item() * (code - scheme.zero) + low
            error = (row[k] - out[n, k]) / inverse[k, k]
            row[k + 1 :] -= error * inverse[k, k + 1 :]
            inverse = inverse - np.outer(inverse[:, k], inverse[k]) / inverse[k, k]
    return out


@pytest.mark.parametrize("scheme", SCHEMES_TRIED, ids=lambda scheme: scheme.name)
def test_it_rounds_as_the_paper_says(scheme: Scheme):
    weight, second = torch.randn(6, 160), seen(together(400, 160)).second
    ours = rounded(weight, influence_of(second), scheme).unpack().numpy()
    theirs = by_the_paper(weight, second, scheme)
    # A weight just between two codes may fall to the other side in float32, and moves the rest of its row a little.
    same = np.isclose(ours, theirs, atol=1e-3).mean(axis=1)
    assert np.median(same) == 1
    assert same.mean() > 0.9


@pytest.mark.parametrize("scheme", SCHEMES_TRIED, ids=lambda scheme: scheme.name)
def test_outputs_change_less_than_by_plain_rounding(scheme: Scheme):
    x, linear = together(600, 160), nn.Linear(160, 24, bias=False)
    site = Site((linear,), None, torch.arange(160))
    packed = quantize_block({site: seen(x)}, scheme)[linear]
    plain = quantize(linear.weight.detach(), scheme)

    def error(weight: Tensor) -> float:
        return float((x @ (weight - linear.weight.detach()).T).square().sum())

    assert error(packed.unpack()) < 0.7 * error(plain.unpack())


def test_channels_that_were_silent_all_the_time_do_no_harm():
    x = together(100, 64)
    x[:, 5] = 0
    packed = rounded(torch.randn(8, 64), influence_of(seen(x).second), SCHEMES["int4-32"])
    assert packed.unpack().isfinite().all()


def test_more_channels_than_inputs_can_be_told_apart_from():
    packed = rounded(torch.randn(8, 64), influence_of(seen(together(10, 64)).second), SCHEMES["int4-32"])
    assert packed.unpack().isfinite().all()
