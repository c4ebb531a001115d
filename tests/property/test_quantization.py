"""What quantized matrices promise whatever the weights: packing loses nothing, and no error is over half a step."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unmask.quantization.packed import Packed
from unmask.quantization.products import multiply, rounded
from unmask.quantization.rounding import codes_of, quantize
from unmask.quantization.schemes import SCHEMES, Scheme

schemes = st.sampled_from(sorted({each.name for each in SCHEMES.values()})).map(SCHEMES.__getitem__)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 150))
seeds = st.integers(0, 1 << 20)


def noise(seed: int, *shape: int) -> Tensor:
    """Weights like a model's, with a few far from the rest."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(*shape, generator=generator)
    return drawn * (1 + 9 * (torch.rand(*shape, generator=generator) > 0.95))


def coded(seed: int, rows: int, width: int, scheme: Scheme) -> tuple[Tensor, Tensor, Tensor | None]:
    """Any codes and scales, with padding as it has to be."""
    generator = torch.Generator().manual_seed(seed)
    groups = scheme.groups(width)
    shape = (rows, groups * scheme.span(width))
    codes = torch.randint(0, scheme.last + 1, shape, generator=generator, dtype=torch.uint8)
    codes[:, width:] = scheme.zero
    scales, minima = torch.randn(2, rows, groups, generator=generator).half()
    return codes, scales, None if scheme.symmetric else minima


@settings(deadline=None)
@given(scheme=schemes, size=sizes, seed=seeds)
def test_what_is_packed_is_read_back(scheme, size, seed):
    codes, scales, minima = coded(seed, *size, scheme)
    packed = Packed.pack(codes, scales, minima, scheme, size[1])
    found = packed.read(0, size[0])
    assert torch.equal(found[0], codes)
    assert torch.equal(found[1], scales)
    assert (found[2] is None and minima is None) or torch.equal(found[2], minima)


@settings(deadline=None)
@given(scheme=schemes, size=sizes, seed=seeds)
def test_the_bytes_lie_as_the_native_library_reads_them(scheme, size, seed):
    rows, width = size
    codes, scales, minima = coded(seed, rows, width, scheme)
    packed = Packed.pack(codes, scales, minima, scheme, width)
    for row, column in ((0, 0), (rows - 1, width - 1), (rows // 2, width // 2)):
        panel, lane = divmod(row, 16)
        if scheme.bits == 8:
            found = packed.codes[panel, column // 4 * 64 + lane * 4 + column % 4]
        else:
            byte = packed.codes[panel, column // 8 * 64 + lane * 4 + column % 4]
            found = byte >> 4 if column % 8 >= 4 else byte & 15
        assert found == codes[row, column]
        group = column // scheme.span(width)
        assert packed.scales[panel, group, lane] == scales[row, group]
        assert minima is None or packed.minima[panel, group, lane] == minima[row, group]
    padding = packed.codes[-1].view(-1, 16, 4)[:, (rows - 1) % 16 + 1 :]
    assert bool((padding == (scheme.zero if scheme.bits == 8 else scheme.zero * 17)).all())
    assert bool((packed.scales[-1, :, (rows - 1) % 16 + 1 :] == 0).all())


@settings(deadline=None)
@given(scheme=schemes, size=sizes, seed=seeds)
def test_rows_taken_one_by_one_are_those_of_the_whole(scheme, size, seed):
    packed = quantize(noise(seed, *size), scheme)
    ids = torch.randint(0, size[0], (2, 3), generator=torch.Generator().manual_seed(seed))
    assert torch.equal(packed.take(ids), packed.unpack()[ids])


@settings(deadline=None)
@given(scheme=schemes, size=sizes, seed=seeds, power=st.integers(-8, 8))
def test_no_weight_is_off_by_more_than_half_a_scale(scheme, size, seed, power):
    weight = noise(seed, *size) * 2.0**power
    scales = codes_of(weight, scheme)[1]
    step = scales.float().abs().repeat_interleave(scheme.span(size[1]), 1)[:, : size[1]]
    # float16 keeps 11 bits of a scale or a minimum, and below 2**-14 steps of 2**-24.
    ends = weight.abs().amax() * 2.0**-10 + (scheme.last + 1) * 2.0**-25
    assert bool(((quantize(weight, scheme).unpack() - weight).abs() <= step / 2 + ends).all())


@settings(deadline=None)
@given(scheme=schemes, rows=st.integers(1, 20), seed=seeds)
def test_weights_that_are_codes_already_come_back_as_they_are(scheme, rows, seed):
    width = 2 * scheme.span(64)
    codes = torch.randint(0, scheme.last + 1, (rows, width), generator=torch.Generator().manual_seed(seed))
    codes.unflatten(1, (-1, scheme.span(width)))[:, :, :2] = torch.tensor([0, scheme.last])
    weight = (codes - scheme.zero) * 0.25
    assert torch.equal(quantize(weight, scheme).unpack(), weight)


@settings(deadline=None)
@given(size=st.tuples(st.integers(0, 5), st.integers(1, 90)), group=st.sampled_from([8, 32, 64]), seed=seeds)
def test_inputs_are_rounded_to_the_nearest_of_255_steps(size, group, seed):
    x = noise(seed, *size)
    whole, steps = rounded(x, group)
    assert whole.abs().max() <= 127 if whole.numel() else True
    assert torch.equal(whole, whole.round())
    back = (whole * steps[..., None]).flatten(1)
    assert bool(((back[:, : size[1]] - x).abs() <= steps.repeat_interleave(group, 1)[:, : size[1]] * 0.5001).all())
    assert bool((back[:, size[1] :] == 0).all())


def fine_step(sizes: list[float]) -> float:
    """So that they have 28 steps on average, to 8 bits; the largest has 127 at least, and 128 times as many at most."""
    part, power = math.frexp(sum(sizes) / len(sizes) / 28)
    wanted, usual = math.ldexp(math.floor(part * 256), power - 8), max(sizes) / 127
    return max(min(usual, wanted), usual / 128)


def group_step(row: Tensor, part: Tensor) -> float:
    """A row's largest number has 127, and a part's as many as it can, up to that, by halving the step."""
    step, part_top = float(row.abs().max() / 127), float(part.abs().max() / 127)
    halved = next(i for i in reversed(range(17)) if i == 0 or step * 2.0**-i >= part_top)
    return step * 2.0**-halved


def by_loops(codes: Tensor, scales: Tensor, minima: Tensor | None, scheme: Scheme, x: Tensor, width: int) -> Tensor:
    """The product as it is defined, in whole numbers of Python's."""
    group = scheme.span(width)
    out = torch.zeros(len(x), len(codes), dtype=torch.float64)
    for i, row in enumerate(x):
        for g in range(scheme.groups(width)):
            part = row[g * group : (g + 1) * group]
            step = group_step(row, part) if scheme.group else fine_step(part.abs().tolist())
            whole = [round(float(each / step)) if step else 0 for each in part]
            for n in range(len(codes)):
                code = codes[n, g * group : (g + 1) * group].tolist()
                dot = sum((each - scheme.zero) * q for each, q in zip(code, whole, strict=False))
                floor = 0.0 if minima is None else float(minima[n, g]) * sum(whole)
                out[i, n] += step * (float(scales[n, g]) * dot + floor)
    return out


@settings(max_examples=40, deadline=None)
@given(scheme=schemes, size=st.tuples(st.integers(1, 18), st.integers(1, 140)), count=st.integers(0, 3), seed=seeds)
def test_products_are_those_of_plain_loops(scheme, size, count, seed):
    codes, scales, minima = coded(seed, *size, scheme)
    packed = Packed.pack(codes, scales, minima, scheme, size[1])
    x = noise(seed, count, size[1])
    wanted = by_loops(codes, scales, minima, scheme, x, size[1])
    # Inputs midway between two whole numbers are so rarely drawn that they need no allowance.
    torch.testing.assert_close(multiply(packed, x, None).double(), wanted, rtol=1e-4, atol=1e-3)


@settings(deadline=None)
@given(count=st.integers(1, 5), width=st.integers(1, 300), far=st.integers(0, 9), power=st.integers(0, 9), seed=seeds)
def test_inputs_far_from_the_rest_do_not_make_it_coarser(count, width, far, power, seed):
    """Fine rows: steps are a 28th of the mean magnitude, or what the largest asks for."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, width, generator=generator) - 0.5
    few = min(far, width // 32)
    x[:, :few] += 2.0**power
    whole, steps = rounded(x, width, fine=True)
    assert whole.abs().max() <= 127 * 128
    assert bool((((whole * steps[..., None])[:, 0] - x).abs() <= steps * 0.5001).all())
    mean, usual = x.abs().mean(1), x.abs().amax(1) / 127
    wanted = torch.minimum(mean / 28, usual).maximum(usual / 128)
    assert bool(((steps[:, 0] <= wanted * 1.0001) & (steps[:, 0] >= wanted * 0.992)).all())
