"""The part of a block that looks at one token at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.base.registry import nearest

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu": F.gelu,  # exact, by the error function
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
}
"""Sources: gelu and its tanh form, Hendrycks and Gimpel 2016, section 2; silu, the same paper, section 4."""


def activation(name: str) -> Callable[[Tensor], Tensor]:
    if name not in ACTIVATIONS:
        raise SpecError(
            "Unknown activation {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=name,
            known=", ".join(ACTIVATIONS),
            nearest=nearest(name, ACTIVATIONS, count=1)[0],
        )
    return ACTIVATIONS[name]


@dataclass(frozen=True)
class PlainSpec:
    """Out, bend, back: W -> hidden -> W. Source: Vaswani et al. 2017, section 3.3."""

    hidden: int
    activation: str
    bias: bool = True

    def build(self, width: int) -> Plain:
        return Plain(self, width)


class Plain(nn.Module):
    """What a PlainSpec builds."""

    def __init__(self, spec: PlainSpec, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, spec.hidden, bias=spec.bias)
        self.down = nn.Linear(spec.hidden, width, bias=spec.bias)
        self.activation = activation(spec.activation)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(self.activation(self.up(x)))
        return out


@dataclass(frozen=True)
class GatedSpec:
    """A bent copy gates a straight one. Source: Shazeer 2020 (GLU variants), section 2."""

    hidden: int
    activation: str = "silu"
    bias: bool = False

    def build(self, width: int) -> Gated:
        return Gated(self, width)


class Gated(nn.Module):
    """What a GatedSpec builds."""

    def __init__(self, spec: GatedSpec, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, spec.hidden, bias=spec.bias)
        self.up = nn.Linear(width, spec.hidden, bias=spec.bias)
        self.down = nn.Linear(spec.hidden, width, bias=spec.bias)
        self.activation = activation(spec.activation)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(self.activation(self.gate(x)) * self.up(x))
        return out


FeedForwardSpec = PlainSpec | GatedSpec
