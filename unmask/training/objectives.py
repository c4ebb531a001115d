"""What is learnt: an objective knows the labels, and nobody else does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from unmask.core import masks
from unmask.data.batch import IGNORED, Batch
from unmask.training.crossentropy import token_loss


@dataclass(frozen=True)
class Loss:
    """What a batch cost, by term: the sum over what was asked (a scalar with its gradient), and how much was asked.

    The loss of a step is the sum over terms of sum / count, both taken over all its micro-batches and processes; so it
    does not depend on how the step was divided.
    """

    terms: dict[str, tuple[Tensor, int]]


class Objective(Protocol):
    """A way to learn from a batch."""

    @property
    def name(self) -> str: ...

    def counts(self, batch: Batch) -> dict[str, int]:
        """How much each term asks of this batch; known before the model is."""
        ...

    def loss(self, model: Any, batch: Batch) -> Loss:
        """Run the model over a batch that is on its device."""
        ...


@dataclass(frozen=True)
class Causal:
    """Say each next token, by what is before it. Source: GPT (Radford et al. 2018), section 3.1."""

    name: ClassVar[str] = "causal"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"tokens": batch.asked}

    def loss(self, model: Any, batch: Batch) -> Loss:
        apart = None if batch.documents is None else masks.Causal() & masks.SameDocument(batch.documents)
        hidden = model(batch.tokens, positions=batch.positions, mask=apart)
        cost = token_loss(hidden.flatten(0, 1), model.head, batch.targets.flatten())
        return Loss({"tokens": (cost, batch.asked)})


@dataclass(frozen=True)
class Masked:
    """Say hidden tokens by all that is around them and, where a batch has pairs, whether one text follows another.

    Source: BERT (Devlin et al. 2019), section 3.1 and appendix A.2: the loss is the sum of both means.
    """

    name: ClassVar[str] = "masked"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"masked": batch.asked} | ({} if batch.pairs is None else {"pairs": len(batch.pairs)})

    def loss(self, model: Any, batch: Batch) -> Loss:
        shown = None if batch.lengths is None else masks.RightPadding(batch.lengths)
        hidden = model(batch.tokens, segments=batch.segments, mask=shown)
        terms = {"masked": asked_loss(hidden, model.head, batch.targets)}
        if batch.pairs is not None:
            scores = model.summary.classes(model.summary(hidden))  # [B, 2]
            terms["pairs"] = F.cross_entropy(scores.float(), batch.pairs, reduction="sum"), len(batch.pairs)
        return Loss(terms)


@dataclass(frozen=True)
class Blanks:
    """Say what belongs in blanks, one after the other. Source: GLM (Du et al. 2022), section 2.1.1."""

    name: ClassVar[str] = "blanks"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"tokens": batch.asked}

    def loss(self, model: Any, batch: Batch) -> Loss:
        assert batch.prefixes is not None
        # Padding needs no mask of its own: it is behind part B, which does not look ahead.
        shown = masks.Causal() | masks.Prefix(batch.prefixes)
        hidden = model(batch.tokens, positions=batch.positions, mask=shown)
        return Loss({"tokens": asked_loss(hidden, model.head, batch.targets)})


@dataclass(frozen=True)
class Sequence:
    """Say a text token by token while looking at another.

    Args:
        smoothing: the share of each target that is spread over the whole vocabulary.
    Source: Vaswani et al. 2017, section 3.1; smoothing: its section 5.4, and Szegedy et al. 2016, section 7.
    """

    smoothing: float = 0.1
    name: ClassVar[str] = "sequence"

    def counts(self, batch: Batch) -> dict[str, int]:
        return {"tokens": batch.asked}

    def loss(self, model: Any, batch: Batch) -> Loss:
        assert batch.memory is not None
        hidden = model(batch.tokens, batch.memory, lengths=batch.memory_lengths)
        return Loss({"tokens": asked_loss(hidden, model.head, batch.targets, smoothing=self.smoothing)})


def asked_loss(hidden: Tensor, head: nn.Module, targets: Tensor, *, smoothing: float = 0.0) -> tuple[Tensor, int]:
    """The summed cost of the places that are asked, and how many; the head is not run for the others.

    Args:
        hidden: [B, T, W].
        targets: [B, T], or IGNORED.
    """
    places = (targets != IGNORED).flatten().nonzero()[:, 0]
    wanted = targets.flatten()[places]
    return token_loss(hidden.flatten(0, 1)[places], head, wanted, smoothing=smoothing), len(wanted)
