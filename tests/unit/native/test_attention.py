"""Attention of tensors by the library: its twin's numbers, and None for what is torch's."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from unmask.core.alignment import ScaledDot
from unmask.core.kernels import explicit, fused, native
from unmask.core.masks import Causal, Full, KernelMask, LeftPadding, RightPadding, kernel_mask
from unmask.native.attention import attention, torchs_threads
from unmask.native.library import library

CPU = torch.device("cpu")
SOFT = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""How far numbers of about 1 may be from those of the explicit kernel in float32."""


@pytest.fixture(autouse=True)
def here() -> None:
    found = library()
    if found is None or torchs_threads() is None:
        assert not os.environ.get("CI"), "the native library was not built, or torch's threads are not libgomp's"
        pytest.skip("no library, or threads that are not libgomp's")
    if found.kernels == "portable":
        pytest.skip("no kernels for this processor")


def heads(rows: int, count: int, tokens: int, width: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """As a projection gives them: [B, H, T, D] of memory that is [B, T, H, D]."""
    made = torch.randn(rows, tokens, count, width, generator=torch.Generator().manual_seed(seed))
    return made.to(dtype).transpose(1, 2)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), dtype=st.sampled_from(list(SOFT)), kind=st.sampled_from(["full", "causal", "uneven"]))
def test_it_gives_the_explicit_kernels_numbers(data: st.DataObject, dtype: torch.dtype, kind: str) -> None:
    size = st.integers(1, 5)
    rows, groups, times = data.draw(size), data.draw(size), data.draw(size)
    tokens, width = data.draw(st.integers(1, 140)), data.draw(st.integers(1, 70))
    slots = tokens if kind == "causal" else data.draw(st.integers(1, 140))
    query = heads(rows, groups * times, tokens, width, dtype)
    key, value = (heads(rows, groups, slots, width, dtype, seed) for seed in (1, 2))
    lengths = None
    if kind == "uneven":
        lengths = torch.tensor(data.draw(st.lists(st.integers(1, slots), min_size=rows, max_size=rows)))
    mask = {
        "full": KernelMask(),
        "causal": KernelMask(causal=True),
        "uneven": None if lengths is None else kernel_mask(RightPadding(lengths), start=0, length=slots, device=CPU),
    }[kind]
    assert mask is not None
    if mask.dense is not None:
        assert mask.lengths is not None
        mask = KernelMask(dense=mask.dense[:, :, :1], lengths=mask.lengths)  # one query slot's stands for all
    with torch.no_grad():
        got = attention(query, key, value, lengths=mask.lengths, causal=mask.causal, scale=width**-0.5)
        wanted = explicit(query.float(), key.float(), value.float(), mask, ScaledDot())
    assert got is not None
    assert got.dtype == dtype
    assert got.shape == query.shape
    torch.testing.assert_close(got.float(), wanted, atol=SOFT[dtype], rtol=0)


def test_lengths_may_be_of_any_integers_and_lie_anywhere_but_one_for_each_row() -> None:
    x = heads(3, 2, 4, 8, torch.float32)
    lengths = torch.tensor([1, 9, 2, 9, 3, 9], dtype=torch.int32)[::2]
    with torch.no_grad():
        got = attention(x, x, x, lengths=lengths, causal=False, scale=1.0)
        wanted = attention(x, x, x, lengths=torch.tensor([1, 2, 3]), causal=False, scale=1.0)
        assert attention(x, x, x, lengths=torch.tensor([2]), causal=False, scale=1.0) is None
    assert got is not None
    assert wanted is not None
    assert torch.equal(got, wanted)


def test_a_row_that_sees_nothing_is_zeros() -> None:
    x = heads(2, 2, 3, 8, torch.float32)
    with torch.no_grad():
        got = attention(x, x, x, lengths=torch.tensor([0, 3]), causal=False, scale=1.0)
    assert got is not None
    assert not got[0].any()
    assert got[1].any()


def test_what_is_no_number_stays_none() -> None:
    x = heads(1, 1, 4, 8, torch.bfloat16)
    x[0, 0, 1, 3] = torch.nan
    with torch.no_grad():
        got = attention(x, x, x, lengths=None, causal=False, scale=1.0)
    assert got is not None
    assert got.isnan().all()


def test_masks_of_another_kind_are_torchs() -> None:
    x = heads(2, 2, 4, 8, torch.float32)
    bias = torch.zeros(1, 2, 4, 4)
    some = torch.tensor([1, 2])
    with torch.no_grad():
        assert native(x, x, x, kernel_mask(Full(), start=0, length=4, device=CPU), 1.0) is not None
        assert native(x, x, x, kernel_mask(LeftPadding(some), start=0, length=4, device=CPU), 1.0) is None
        assert native(x, x, x, kernel_mask(Causal() & RightPadding(some), start=0, length=4, device=CPU), 1.0) is None
        assert native(x, x, x, KernelMask(causal=True).biased(bias), 1.0) is None


def test_what_is_learnt_is_torchs() -> None:
    x = heads(1, 2, 4, 8, torch.float32)
    assert attention(x, x, x, lengths=None, causal=False, scale=1.0) is None


@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        (heads(1, 2, 4, 8, torch.float16),) * 3,
        (heads(1, 2, 4, 8, torch.float32).transpose(2, 3),) * 3,
        (heads(1, 2, 4, 8, torch.float32).to("meta"),) * 3,
        (heads(1, 3, 4, 8, torch.float32), *(heads(1, 2, 4, 8, torch.float32),) * 2),
        (*(heads(1, 2, 4, 8, torch.float32),) * 2, heads(1, 2, 4, 6, torch.float32)),
        (heads(1, 2, 4, 8, torch.float32), *(heads(1, 2, 0, 8, torch.float32),) * 2),
    ],
    ids=["float16", "across", "meta", "heads", "widths", "empty"],
)
def test_tensors_that_do_not_fit_are_torchs(query: Tensor, key: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        assert attention(query, key, value, lengths=None, causal=False, scale=1.0) is None


def test_queries_without_a_slot_of_their_own_are_torchs() -> None:
    query, key = heads(1, 2, 5, 8, torch.float32), heads(1, 2, 4, 8, torch.float32)
    with torch.no_grad():
        assert attention(query, key, key, lengths=None, causal=True, scale=1.0) is None


def test_switched_off_it_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMASK_NATIVE", "off")
    x = heads(1, 2, 4, 8, torch.float32)
    with torch.no_grad():
        assert attention(x, x, x, lengths=None, causal=False, scale=1.0) is None


def test_a_compiled_forward_is_one_graph() -> None:
    def forward(x: Tensor) -> Tensor:
        return fused(x, x, x, KernelMask(causal=True), ScaledDot())

    x = heads(1, 2, 4, 8, torch.float32)
    with torch.no_grad():
        compiled = torch.compile(forward, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(x), F.scaled_dot_product_attention(x, x, x, is_causal=True))
