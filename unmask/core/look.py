"""How a recurrent decoder looks at what was read: any alignment, any distribution, all of the text or a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.base.registry import nearest
from unmask.core.alignment import ALIGNMENTS, keys, scores
from unmask.core.distribution import DISTRIBUTIONS
from unmask.core.kernels import Way, explicit
from unmask.core.masks import KernelMask

WINDOWS = ("global", "local-m", "local-p")
"""All of the text; around the place that one writes at; or around a place that is guessed, the less the further off.

Source: Luong et al. 2015, section 3.2, local-p by equations 9 and 10.
"""
LookKernel = Callable[[Tensor, Tensor, Tensor, KernelMask, Way], Tensor]


@dataclass(frozen=True)
class LookSpec:
    """The parts of a look, by their names among ALIGNMENTS, DISTRIBUTIONS and WINDOWS.

    `reach`: how far a local window goes each way, in tokens.
    """

    alignment: str = "additive"
    distribution: str = "softmax"
    window: str = "global"
    reach: int = 10

    def __post_init__(self) -> None:
        check_name("alignment", self.alignment, ALIGNMENTS)
        check_name("distribution", self.distribution, DISTRIBUTIONS)
        check_name("window", self.window, WINDOWS)
        if self.reach < 1:
            raise SpecError("A local window reaches {reach} tokens each way; it must be at least 1.", reach=self.reach)

    def build(self, width: int, context: int) -> Look:
        return Look(self, width, context)


def check_name(field: str, name: str, known: Iterable[str]) -> None:
    """
    Raises:
        SpecError: if it is not known.
    """
    if name not in known:
        raise SpecError(
            "{field} is {name!r}, which is not known; known are {known}. Did you mean {nearest!r}?",
            field=field,
            name=name,
            known=", ".join(known),
            nearest=nearest(name, known, count=1)[0],
        )


@dataclass(frozen=True)
class Pages:
    """What was read, as a look takes it: keys [M, 1, S, D], values [M, 1, S, E] and, None for all, what is text."""

    key: Tensor
    value: Tensor
    text: Tensor | None  # bool [M, 1, 1, S]

    def select(self, memories: Tensor) -> Pages:
        return Pages(self.key[memories], self.value[memories], None if self.text is None else self.text[memories])


class Look(nn.Module):
    """What a LookSpec builds. `kernel` may be swapped, by a trace for one that keeps its weights."""

    kernel: LookKernel

    def __init__(self, spec: LookSpec, width: int, context: int) -> None:
        super().__init__()
        self.spec = spec
        self.alignment = ALIGNMENTS[spec.alignment](width, context)
        self.distribution = DISTRIBUTIONS[spec.distribution]
        self.place = Place(width) if spec.window == "local-p" else None
        self.dropout: nn.Module = nn.Identity()
        self.kernel = explicit

    def pages(self, memory: Tensor, value: Tensor, text: Tensor | None) -> Pages:
        """What does not depend on the query, made once.

        Args:
            memory: [M, S, W], what queries are held against.
            value: [M, S, E], what is read.
            text: bool [M, S], what is no padding; None is all.
        """
        shown = None if text is None else text[:, None, None]
        return Pages(keys(self.alignment, memory)[:, None], value[:, None], shown)

    def forward(self, query: Tensor, pages: Pages, *, start: int) -> Tensor:
        """What each query [R, T, W] reads, [R, T, E]; the first of each row writes at place `start`.

        R / M rows in turn look at each of the M memories: their queries line up, so that no key is ever repeated.
        """
        memories, length = pages.key.shape[0], query.shape[1]
        count = query.shape[0] // max(memories, 1)  # a batch may be empty
        lined, visible = query.reshape(memories, 1, count * length, query.shape[2]), pages.text
        if self.spec.window == "local-m":
            slots = torch.arange(start, start + length, device=query.device).repeat(count)
            near = apart(pages.key, slots[:, None]).abs() <= self.spec.reach
            visible = near[None, None] if visible is None else near & visible
        mixed = self.kernel(lined, pages.key, pages.value, KernelMask(dense=visible), self)
        return mixed.reshape(*query.shape[:2], pages.value.shape[-1])

    def weights(self, query: Tensor, key: Tensor, visible: Tensor | None) -> Tensor:
        """How each query [M, 1, T, W] spreads over the keys [M, 1, S, D]; a window's fading takes from the sum of 1."""
        shown, fading, reach = visible, None, self.spec.reach
        if self.place is not None:
            total = key.shape[2] if visible is None else visible.sum(-1, keepdim=True)
            distance = apart(key, self.place(query) * total)
            near = distance.abs() <= reach
            shown = near if visible is None else near & visible
            fading = (distance.square() / (-2 * (reach / 2) ** 2)).exp()
        weights = self.distribution(scores(self.alignment, query, key), shown)
        out: Tensor = self.dropout(weights if fading is None else weights * fading)
        return out


class Place(nn.Module):
    """A guess of where to look, as a share of the text: [..., W] to [..., 1]. Source: Luong et al. 2015, equation 9."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor) -> Tensor:
        share: Tensor = self.score(self.hidden(query).tanh()).sigmoid()
        return share


def apart(key: Tensor, center: Tensor) -> Tensor:
    """How far each of the keys [..., S, D] is behind the places [..., 1]: [..., S]."""
    return torch.arange(key.shape[-2], device=key.device) - center
