"""Gated recurrent layers: torch's own over a whole row, and the same weights a step at a time.

Sources: GRU, Cho et al. 2014, section 2.3, with the reset after the product, as torch has it; LSTM, Hochreiter and
Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""What a layer remembers, each [R, W]: what it gave last, and of an LSTM its cell."""

CELLS: Mapping[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}
KEPT = {"gru": 1, "lstm": 2}
"""Vectors of a state."""


def cell(kind: str, inward: int, width: int) -> nn.RNNBase:
    """One layer, from [.., inward] to [.., width]."""
    return CELLS[kind](inward, width, batch_first=True)


def run(layer: nn.Module, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """All of x [R, T, W'] at once: what the layer gives, [R, T, W], and its state behind; it begins at 0 for None."""
    if isinstance(layer, nn.LSTM):
        out, (last, inner) = layer(x, None if state is None else (state[0][None], state[1][None]))
        return out, (last[0], inner[0])
    out, last = layer(x, None if state is None else state[0][None].contiguous())
    return out, (last[0],)


def step(layer: nn.Module, gates: Tensor, state: State) -> State:
    """One step, of which the input's part of the gates is known, [R, 3 W] or [R, 4 W] with its bias."""
    _, weight, _, bias = matrices(layer)
    own, width = F.linear(state[0], weight, bias), weight.shape[1]
    if isinstance(layer, nn.LSTM):
        take, keep, new, show = (gates + own).chunk(4, dim=1)
        inner = keep.sigmoid() * state[1] + take.sigmoid() * new.tanh()
        return show.sigmoid() * inner.tanh(), inner
    reset, keep = (gates[:, : 2 * width] + own[:, : 2 * width]).sigmoid().chunk(2, dim=1)
    new = (gates[:, 2 * width :] + reset * own[:, 2 * width :]).tanh()
    return (torch.lerp(new, state[0], keep),)


def matrices(layer: nn.Module) -> list[Tensor]:
    """What the input is multiplied with, what the state is, and the biases of both."""
    assert isinstance(layer, nn.RNNBase)
    return list(layer.all_weights[0])


def backwards(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each row of x [B, S, W] from its last to its first token; padding stays behind. Twice is x again."""
    if lengths is None:
        return x.flip(1)
    slots = torch.arange(x.shape[1], device=x.device)[None]
    mirrored = lengths[:, None] - 1 - slots
    return x.gather(1, torch.where(mirrored < 0, slots, mirrored)[..., None].expand_as(x))
