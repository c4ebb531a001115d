"""How a sublayer is wired around the stream it reads and adds to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pre:
    """x + f(norm(x)). Source: GPT-2 (Radford et al. 2019), section 2.3; analysed by Xiong et al. 2020.

    x ──┬── norm ── f ──+── out
        └───────────────┘
    """

    def wire(self, x: Tensor, norm: Step, sublayer: Step) -> Tensor:
        return x + sublayer(norm(x))


@dataclass(frozen=True)
class Post:
    """norm(x + f(x)). Source: Vaswani et al. 2017, section 3.1.

    x ──┬── f ──+── norm ── out
        └───────┘
    """

    def wire(self, x: Tensor, norm: Step, sublayer: Step) -> Tensor:
        return norm(x + sublayer(x))


Residual = Pre | Post
