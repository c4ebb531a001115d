"""Starting weights: how each kind of model begins, each with its paper.

A weight is a function of the seed and its own name, drawn on the CPU in float32. So a model starts the same whatever
order it is built in, on whatever device, in whatever type, and however many processes share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.base.registry import nearest
from unmask.base.streams import key
from unmask.core.attention import Attention
from unmask.core.feedforward import Gated, Plain
from unmask.core.places import Place, parameter_places, place
from unmask.core.transformer import Transformer

PURPOSE = "starting weight "


class Scheme(Protocol):
    """How matrices and tables begin."""

    def draw(self, value: Tensor, *, is_table: bool, added: int, generator: torch.Generator) -> None:
        """Fill value [out, in] or [rows, W].

        Args:
            is_table: whether its rows are looked up, not multiplied.
            added: sublayers that write into the same stream as this matrix; 0 if it does not write there.
        """
        ...


@dataclass(frozen=True)
class Normal:
    """Normal, of standard deviation `spread`.

    With `calm`, what each of n sublayers adds to the stream is divided by the root of n, so that the stream's variance
    does not grow with depth.
    Sources: GPT (Radford et al. 2018), section 4.1; calm: GPT-2 (Radford et al. 2019), section 2.3.
    """

    spread: float = 0.02
    calm: bool = False

    def draw(self, value: Tensor, *, is_table: bool, added: int, generator: torch.Generator) -> None:
        shrunk = added**0.5 if self.calm and added else 1.0
        value.normal_(0.0, self.spread / shrunk, generator=generator)


@dataclass(frozen=True)
class Truncated:
    """Normal, of standard deviation `spread`; what is further off than two of them is drawn again.

    Source: BERT (Devlin et al. 2019), its release code.
    """

    spread: float = 0.02

    def draw(self, value: Tensor, *, is_table: bool, added: int, generator: torch.Generator) -> None:
        flat, most = value.view(-1), 2 * self.spread
        flat.normal_(0.0, self.spread, generator=generator)
        far = (flat.abs() > most).nonzero()[:, 0]
        while len(far):
            again = torch.empty(len(far)).normal_(0.0, self.spread, generator=generator)
            flat[far] = again
            far = far[again.abs() > most]


@dataclass(frozen=True)
class Xavier:
    """Uniform in matrices, so wide that signals keep their variance both ways; tables normal, of variance 1 / width.

    Times the root of the width, as such embeddings are read, they have variance 1.
    Sources: Glorot and Bengio 2010, equation 16; tables: Vaswani et al. 2017, section 3.4 and release code.
    """

    def draw(self, value: Tensor, *, is_table: bool, added: int, generator: torch.Generator) -> None:
        if is_table:
            value.normal_(0.0, value.shape[1] ** -0.5, generator=generator)
        else:
            edge = (6 / sum(value.shape)) ** 0.5
            value.uniform_(-edge, edge, generator=generator)


@dataclass(frozen=True)
class Uniform:
    """Uniform from -edge to edge, matrices and tables alike. Source: Luong et al. 2015, section 4.1."""

    edge: float = 0.1

    def draw(self, value: Tensor, *, is_table: bool, added: int, generator: torch.Generator) -> None:
        value.uniform_(-self.edge, self.edge, generator=generator)


SCHEMES: Mapping[str, Scheme] = {
    "gpt": Normal(),
    "gpt2": Normal(calm=True),
    "bert": Truncated(),
    "glm": Normal(calm=True),
    "transformer": Xavier(),
    "recurrent": Uniform(),
}
"""GLM's is that of its release code. Biases begin at 0 and norms at 1 in all."""


def initialize(model: nn.Module, *, seed: int, scheme: str, device: torch.device | None = None) -> None:
    """Give every weight of the model its first value.

    Args:
        scheme: one of SCHEMES.
        device: where the weights of a model on the meta device are made. Let this do it, not `to_empty`, which unties
            what is tied.
    Raises:
        SpecError: if there is no such scheme.
    """
    for places, value in starting(model, seed=seed, scheme=scheme):
        module, attribute = places[0]
        parameter = module.get_parameter(attribute)
        if parameter.is_meta:
            place(places, nn.Parameter(value.to(device or "cpu", parameter.dtype)))
        else:
            parameter.detach().copy_(value)


def starting(model: nn.Module, *, seed: int, scheme: str) -> Iterator[tuple[list[Place], Tensor]]:
    """Every weight's places in the model, several where it is tied, and its first value, float32 on the CPU.

    Raises:
        SpecError: if there is no such scheme.
    """
    if scheme not in SCHEMES:
        raise SpecError(
            "Unknown starting weights {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=scheme,
            known=", ".join(SCHEMES),
            nearest=nearest(scheme, SCHEMES, count=1)[0],
        )
    added = writers(model)
    for name, places in parameter_places(model).items():
        part, attribute = places[0]
        shape = part.get_parameter(attribute).shape
        if len(shape) == 1:
            is_scale = attribute == "weight"  # of a norm
            value = torch.ones(shape) if is_scale else torch.zeros(shape)
        else:
            value = torch.empty(shape)
            generator = torch.Generator().manual_seed(key(seed, PURPOSE + name))
            is_table = isinstance(part, nn.Embedding)
            SCHEMES[scheme].draw(value, is_table=is_table, added=added.get(part, 0), generator=generator)
        yield places, value


def writers(model: nn.Module) -> dict[nn.Module, int]:
    """The matrices whose products are added to a stream, and how many they are in the same one."""
    found: dict[nn.Module, int] = {}
    for stack in model.modules():
        if isinstance(stack, Transformer):
            parts = list(stack.modules())
            last = [each.out for each in parts if isinstance(each, Attention)]
            last += [each.down for each in parts if isinstance(each, Plain | Gated)]
            found |= dict.fromkeys(last, len(last))
    return found
