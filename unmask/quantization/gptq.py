"""GPTQ: columns are rounded one after the other, and those still to come make up for what that changed.

Source: Frantar et al. 2022, arXiv 2210.17323, section 3 and algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unmask.quantization.convert import Matrix
from unmask.quantization.packed import Packed
from unmask.quantization.rounding import codes_of, inverse
from unmask.quantization.schemes import Scheme
from unmask.quantization.sites import Inputs, Site

DAMPING = 0.01
"""Added to the diagonal, of its mean. Source: section 3.3, step 3."""
TIED = 0.1
"""The same for an output that is the table of tokens too, where an error counts whatever goes in: this holds it small.

Of the 4-bit output's divergence it leaves half; ten times as much is no better (docs/LOG.md, 2026-11-22).
"""
BLOCK = 128
"""Columns that are rounded before all later ones hear of it, where no group sets that. Source: section 3.3, step 2."""


def quantize_block(seen: Mapping[Site, Inputs], scheme: Scheme) -> dict[Matrix, Packed]:
    """The Linears of a block in a scheme."""
    made: dict[Matrix, Packed] = {}
    for site, inputs in seen.items():
        influence = influence_of(inputs.second)
        for reader in site.readers:
            made[reader] = rounded(reader.weight.detach(), influence, scheme)
    return made


def influence_of(second: Tensor, damping: float = DAMPING) -> Tensor:
    """The upper Cholesky factor of the inverse of the inputs' second moments [K, K]: how columns make up for another.

    It is in float64: in float32 the inverse of a thousand channels that go together may not be positive.
    """
    damped = second.double()
    diagonal = damped.diagonal()
    # A channel that was always silent may be rounded anyhow; 1 only keeps the inverse finite.
    diagonal += (diagonal == 0) + damping * diagonal.mean()
    whole = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor: Tensor = torch.linalg.cholesky(whole, upper=True)
    return factor.to(second.dtype)


def rounded(weight: Tensor, influence: Tensor, scheme: Scheme) -> Packed:
    """A matrix [N, K] in a scheme, each group's scale taken from its weights as they are when their turn comes."""
    width, span, step = weight.shape[1], scheme.span(weight.shape[1]), scheme.group or BLOCK
    left = weight.float().T.clone()  # [K, N], so that what changes together lies together
    codes, scales, minima = [], [], []
    for start in range(0, width, step):
        if start % span == 0:
            _, scale, minimum = codes_of(left[start : start + span].T, scheme)
            scales.append(scale)
            minima += [] if minimum is None else [minimum]
        block = slice(start, min(start + step, width))
        chosen, errors = round_columns(left[block], influence[block, block], scale, minimum, scheme)
        codes.append(chosen)
        left[block.stop :] -= influence[block, block.stop :].T @ errors
    filler = codes[0].new_full((scheme.groups(width) * span - width, len(weight)), scheme.zero)
    return Packed.pack(
        torch.cat((*codes, filler)).T.contiguous(),
        torch.cat(scales, dim=1),
        torch.cat(minima, dim=1) if minima else None,
        scheme,
        width,
    )


def round_columns(
    columns: Tensor, influence: Tensor, scale: Tensor, minimum: Tensor | None, scheme: Scheme
) -> tuple[Tensor, Tensor]:
    """Round columns [n, N] of a matrix one by one, each with what those before left to it: codes and errors [n, N].

    Args:
        influence: [n, n], of these columns on one another.
        scale, minimum: [N, 1], those of their group.
    """
    columns = columns.clone()
    codes, errors = torch.empty_like(columns, dtype=torch.uint8), torch.empty_like(columns)
    step, low = scale[:, 0].float(), 0.0 if minimum is None else minimum[:, 0].float()
    per_step = inverse(step)
    for i, column in enumerate(columns):
        code = ((column - low) * per_step).round_().add_(scheme.zero).clamp_(0, scheme.last)
        errors[i] = (column - ((code - scheme.zero) * step + low)) / influence[i, i]
        columns[i + 1 :].addr_(influence[i, i + 1 :], errors[i], alpha=-1)
        codes[i] = code
    return codes, errors
