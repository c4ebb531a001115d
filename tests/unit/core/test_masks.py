from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unmask.base.errors import MaskError
from unmask.core.alignment import ScaledDot
from unmask.core.kernels import attention_weights, explicit, fused
from unmask.core.masks import (
    Causal,
    Full,
    KernelMask,
    LeftPadding,
    Mask,
    Prefix,
    RightPadding,
    SameDocument,
    Window,
    kernel_mask,
)

CPU = torch.device("cpu")


def seen(mask: Mask, length: int, *, start: int = 0, rows: int = 1) -> Tensor:
    """bool [rows, T, S] of what the kernel would see."""
    form = kernel_mask(mask, start=start, length=length, device=CPU).visible(length, CPU)
    whole = torch.ones(rows, length, start + length, dtype=torch.bool)
    return whole if form is None else whole & (form[:, 0] if form.dim() == 4 else form)


def attention(mask: Mask, length: int) -> Tensor:
    form = kernel_mask(mask, start=0, length=length, device=CPU)
    return attention_weights(torch.randn(1, 1, length, 4), torch.randn(1, 1, length, 4), form, ScaledDot())[0, 0]


def test_a_window_of_one_sees_only_itself():
    assert torch.equal(attention(Causal() & Window(1), 5), torch.eye(5))


def test_causal_rows_sum_to_one_and_hide_the_future_exactly():
    weights = attention(Causal(), 6)
    assert torch.allclose(weights.sum(-1), torch.ones(6))
    assert torch.equal(weights.triu(1), torch.zeros(6, 6))


def test_a_row_that_sees_nothing_has_no_weight_and_is_no_nan():
    mask = Causal() & LeftPadding(torch.tensor([2]))
    form = kernel_mask(mask, start=0, length=4, device=CPU)
    query, key, value = (torch.randn(1, 2, 4, 8) for _ in range(3))
    assert torch.equal(attention_weights(query, key, form, ScaledDot())[0, :, :2], torch.zeros(2, 2, 4))
    assert fused(query, key, value, form, ScaledDot()).isfinite().all()


@given(
    length=st.integers(1, 7),
    start=st.integers(0, 5),
    window=st.integers(1, 5),
    counts=st.lists(st.integers(0, 12), min_size=2, max_size=2),
    data=st.data(),
)
def test_masks_join_as_the_predicates_they_are(length: int, start: int, window: int, counts: list[int], data):
    numbers = torch.tensor(counts)
    atoms = {
        "full": (Full(), lambda b, q, k: True),
        "causal": (Causal(), lambda b, q, k: k <= q),
        "window": (Window(window), lambda b, q, k: q - k < window),
        "prefix": (Prefix(numbers), lambda b, q, k: k < counts[b]),
        "left": (LeftPadding(numbers), lambda b, q, k: k >= counts[b]),
        "right": (RightPadding(numbers), lambda b, q, k: k < counts[b]),
    }
    mask, plain = atoms[data.draw(st.sampled_from(sorted(atoms)))]
    for _ in range(data.draw(st.integers(0, 3))):
        other, other_plain = atoms[data.draw(st.sampled_from(sorted(atoms)))]
        if data.draw(st.booleans()):
            mask, plain = mask & other, (lambda b, q, k, f=plain, g=other_plain: f(b, q, k) and g(b, q, k))
        else:
            mask, plain = mask | other, (lambda b, q, k, f=plain, g=other_plain: f(b, q, k) or g(b, q, k))
    wanted = [[[plain(b, q, k) for k in range(start + length)] for q in range(start, start + length)] for b in range(2)]
    assert seen(mask, length, start=start, rows=2).tolist() == wanted


def test_one_causal_query_needs_no_mask_at_all():
    assert kernel_mask(Causal(), start=9, length=1, device=CPU).dense is None


@pytest.mark.parametrize("numbers", [torch.tensor(3), torch.ones(2, 2, dtype=torch.int64), torch.ones(2)])
def test_a_mask_of_rows_refuses_what_is_no_vector_of_integers(numbers: Tensor):
    with pytest.raises(MaskError, match="LeftPadding wants one integer for each row"):
        LeftPadding(numbers)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize(("start", "length"), [(0, 7), (4, 3), (9, 1)])
@pytest.mark.parametrize("padded", [False, True])
def test_the_fused_kernel_equals_the_explicit_one(groups: int, start: int, length: int, padded: bool):
    mask = Causal() & LeftPadding(torch.tensor([0, 3])) if padded else Causal()
    form = kernel_mask(mask, start=start, length=length, device=CPU)
    query = torch.randn(2, 6, length, 8)
    key, value = (torch.randn(2, groups, start + length, 8) for _ in range(2))
    alignment = ScaledDot(divisor=2.0)
    visible = seen(mask, length, start=start, rows=2).any(-1)  # what a row without keys gives is not defined
    fast, slow = (kernel(query, key, value, form, alignment).transpose(1, 2)[visible] for kernel in (fused, explicit))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)


def test_explicit_attention_equals_three_loops():
    query, key, value = torch.randn(1, 2, 4, 3), torch.randn(1, 1, 4, 3), torch.randn(1, 1, 4, 3)
    mixed = explicit(query, key, value, kernel_mask(Causal(), start=0, length=4, device=CPU), ScaledDot())
    for head in range(2):
        for t in range(4):
            scores = [float(query[0, head, t] @ key[0, 0, s]) / 3**0.5 for s in range(t + 1)]
            powers = torch.tensor(scores).exp()
            wanted = sum(powers[s] / powers.sum() * value[0, 0, s] for s in range(t + 1))
            torch.testing.assert_close(mixed[0, head, t], wanted, rtol=1e-5, atol=1e-6)


def test_texts_side_by_side_in_a_row_do_not_see_each_other():
    documents = torch.tensor([[3, 3, 7, 7, 7], [1, 1, 1, 1, 2]])
    form = seen(Causal() & SameDocument(documents), 5, rows=2)
    for row, query, key in product(range(2), range(5), range(5)):
        wanted = key <= query and documents[row, query] == documents[row, key]
        assert form[row, query, key] == wanted, (row, query, key)


def test_a_text_in_a_packed_row_is_read_as_if_it_were_alone():
    documents = torch.tensor([[0] * 5 + [1] * 7 + [2] * 2])
    form = kernel_mask(Causal() & SameDocument(documents), start=0, length=14, device=CPU)
    query, key, value = (torch.randn(1, 2, 14, 8) for _ in range(3))
    packed = fused(query, key, value, form, ScaledDot())
    assert torch.allclose(packed, explicit(query, key, value, form, ScaledDot()), atol=1e-6)
    for begin, end in ((0, 5), (5, 12), (12, 14)):
        own = slice(begin, end)
        alone = fused(query[:, :, own], key[:, :, own], value[:, :, own], KernelMask(causal=True), ScaledDot())
        assert torch.allclose(packed[:, :, own], alone, atol=1e-6)


def test_documents_that_are_no_matrix_of_integers_are_refused():
    with pytest.raises(MaskError, match=r"SameDocument wants one integer for each token.* shape \[3\] of torch.int64"):
        SameDocument(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(MaskError, match=r"shape \[2, 3\] of torch.float32"):
        SameDocument(torch.zeros(2, 3))


def test_documents_of_fewer_tokens_than_there_are_are_refused():
    with pytest.raises(MaskError, match="documents of 3 tokens, and a query could see 5"):
        kernel_mask(Causal() & SameDocument(torch.zeros(1, 3, dtype=torch.int64)), start=0, length=5, device=CPU)
