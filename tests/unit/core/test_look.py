from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from unmask.base.errors import SpecError
from unmask.core.kernels import attention_weights
from unmask.core.look import Look, LookSpec
from unmask.core.masks import KernelMask

WIDTH, CONTEXT = 8, 12
TEXT = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


def made(spec: LookSpec) -> Look:
    torch.manual_seed(0)
    return spec.build(WIDTH, CONTEXT)


def watched(look: Look, query: Tensor, memory: Tensor, text: Tensor | None, start: int = 0) -> Tensor:
    """The weights of one call, and that it reads what they say."""
    seen: list[Tensor] = []
    kernel = look.kernel

    def keep(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, way: Look) -> Tensor:
        seen.append(attention_weights(query, key, mask, way))
        return kernel(query, key, value, mask, way)

    look.kernel = keep
    with torch.no_grad():
        read = look(query, look.pages(memory, memory, text), start=start)
    assert torch.allclose(read, seen[0][:, 0] @ memory, atol=1e-6)
    return seen[0][:, 0]


def test_a_global_look_spreads_over_the_whole_text_and_no_padding():
    query, memory = torch.randn(2, 3, WIDTH), torch.randn(2, 6, WIDTH)
    found = watched(made(LookSpec("dot")), query, memory, TEXT)
    assert torch.allclose(found[0], (query[0] @ memory[0].T).softmax(-1), atol=1e-6)
    assert torch.allclose(found[1, :, :4], (query[1] @ memory[1, :4].T).softmax(-1), atol=1e-6)
    assert not found[1, :, 4:].any()


def test_local_m_sees_so_many_tokens_around_the_place_it_writes_at():
    query, memory = torch.randn(2, 5, WIDTH), torch.randn(2, 6, WIDTH)
    found = watched(made(LookSpec("dot", window="local-m", reach=1)), query, memory, TEXT, start=1)
    for row, length in enumerate((6, 4)):
        for t in range(5):
            near = [s for s in range(length) if abs(s - (1 + t)) <= 1]
            assert found[row, t].nonzero().flatten().tolist() == near
            wanted = torch.stack([query[row, t] @ memory[row, s] for s in near]).softmax(0) if near else torch.empty(0)
            assert torch.allclose(found[row, t, near], wanted, atol=1e-6)


def test_local_p_fades_from_the_place_that_it_guesses():
    look = made(LookSpec("dot", window="local-p", reach=2))
    query, memory = torch.randn(2, 5, WIDTH), torch.randn(2, 6, WIDTH)
    found = watched(look, query, memory, TEXT)
    hidden, score = look.place.hidden.weight.detach(), look.place.score.weight.detach()[0]
    for row, length in enumerate((6, 4)):
        for t in range(5):
            center = length / (1 + math.exp(-float(score @ torch.tanh(hidden @ query[row, t]))))
            near = [s for s in range(length) if abs(s - center) <= 2]
            shares = torch.stack([query[row, t] @ memory[row, s] for s in near]).softmax(0)
            for s, share in zip(near, shares.tolist(), strict=True):
                fading = math.exp(-((s - center) ** 2) / 2)  # half of the reach, 1, is its standard deviation
                assert found[row, t, s].item() == pytest.approx(share * fading, abs=1e-6)
            assert not found[row, t, [s for s in range(6) if s not in near]].any()


@pytest.mark.parametrize("window", ["global", "local-m", "local-p"])
def test_several_rows_that_look_at_one_memory_see_what_each_would_alone(window: str):
    look = made(LookSpec("concat", "entmax", window, reach=1))
    query, memory = torch.randn(6, 2, WIDTH), torch.randn(2, 6, WIDTH)
    with torch.no_grad():
        together = look(query, look.pages(memory, memory, TEXT), start=1)
        for row in range(6):
            one = slice(row // 3, row // 3 + 1)
            alone = look(query[row : row + 1], look.pages(memory[one], memory[one], TEXT[one]), start=1)
            assert torch.allclose(together[row], alone[0], atol=1e-6)


@pytest.mark.parametrize(
    ("field", "wrong", "right"),
    [("alignment", "additiv", "additive"), ("distribution", "sparsmax", "sparsemax"), ("window", "locl-m", "local-m")],
)
def test_an_unknown_part_is_refused_with_the_nearest_known(field: str, wrong: str, right: str):
    with pytest.raises(SpecError, match=f"{field} is '{wrong}'.*Did you mean '{right}'"):
        replace(LookSpec(), **{field: wrong})


def test_a_window_without_reach_is_refused():
    with pytest.raises(SpecError, match="reaches 0 tokens each way; it must be at least 1"):
        LookSpec(window="local-m", reach=0)
