"""AWQ: columns that meet large inputs are scaled up before rounding, so that it costs them less, and the rest pays.

Source: Lin et al. 2023, arXiv 2306.00978, section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unmask.quantization.convert import Matrix
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import Scheme
from unmask.quantization.sites import Inputs, Site

STEPS = 20
"""Exponents tried between 0, which is plain rounding, and 1."""
LEAST = 1e-4
"""The smallest factor; a channel may have been silent all the time."""


def quantize_block(seen: Mapping[Site, Inputs], scheme: Scheme) -> dict[Matrix, Packed]:
    """The Linears of a block in a scheme, after the best factors have been folded into what comes before them."""
    found = {site: best_factors(site, inputs, scheme) for site, inputs in seen.items() if site.source is not None}
    for site, factors in found.items():
        site.fold(factors)
    return {reader: quantize(reader.weight.detach(), scheme) for site in seen for reader in site.readers}


def best_factors(site: Site, inputs: Inputs, scheme: Scheme) -> Tensor:
    """The factors of the source's channels with which rounding changes the readers' outputs least (equations 4, 5)."""
    channels = int(site.channels.max()) + 1
    size = inputs.size.new_zeros(channels).index_add_(0, site.channels, inputs.size)
    least, best = float("inf"), torch.ones_like(size)
    for step in range(STEPS + 1):
        factors = (size / size.mean().clamp_min(LEAST)).clamp_min(LEAST) ** (step / STEPS)
        factors = factors / (factors.max() * factors.min()).sqrt()
        spread = factors[site.channels]
        error = sum(output_error(reader.weight.detach(), spread, inputs, scheme) for reader in site.readers)
        if error < least:
            least, best = error, factors
    return best


def output_error(weight: Tensor, factors: Tensor, inputs: Inputs, scheme: Scheme) -> float:
    """The squared change of a Linear's outputs, summed over all that was seen."""
    change = quantize(weight * factors, scheme).unpack() / factors - weight
    return float((change @ inputs.second * change).sum())
