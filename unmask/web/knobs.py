"""How the visitor wants answers to be chosen; kept with each conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unmask.generation.sampling import Sampling

if TYPE_CHECKING:
    from unmask.model import Model

LIMIT = 512
"""Tokens of an answer unless the visitor says otherwise: a page of text."""


@dataclass(frozen=True)
class Knobs:
    """The settings beside the chat, in the order in which the page shows them; see Sampling for their ranges.

    Args:
        limit: most tokens of an answer.
        seed: None draws another one each time.
    """

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    limit: int
    seed: int | None = None

    def sampling(self) -> Sampling:
        """
        Raises:
            RequestError: if a value is out of its range.
        """
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            seed=self.seed,
        )


def advised(model: Model) -> Knobs:
    """What the model's makers advise."""
    sampling = model.sampling
    return Knobs(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p,
        repetition_penalty=sampling.repetition_penalty,
        limit=min(LIMIT, model.context),
    )
