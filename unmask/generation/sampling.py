"""How the next token is chosen: settings, and pure functions on one row of logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.base.runtime import one_thread

RANGES = {
    "temperature": (0.0, 100.0),
    "top_k": (0, 1 << 24),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.01, 100.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}


@dataclass(frozen=True)
class Sampling:
    """How to choose among the next tokens; as it stands, the best one (greedy).

    Filters apply in the order top-k, top-p, min-p, after penalties and temperature. The three penalties weigh against
    what was said before: `repetition_penalty` divides (Keskar et al. 2019, section 4.1; prompt included), the other
    two subtract (OpenAI's; the answer only). Sources: top-k, Fan et al. 2018, section 5.4; top-p, Holtzman et al.
    2020, section 3.1; min-p, Nguyen et al. 2024, section 3.

    Raises:
        RequestError: if a value is out of its range.
    """

    temperature: float = 0.0
    """0 is greedy."""
    top_k: int = 0
    """0 is off."""
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    bias: tuple[tuple[int, float], ...] = ()
    """Ids, and what is added to their logits."""
    seed: int | None = None
    """The same seed, prompt and settings give the same text, alone or in a batch."""

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise RequestError(
                    "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=low, high=high
                )


class Chooser:
    """Chooses one row's tokens, one after the other; holds that row's random numbers and counts.

    Args:
        prompt: ids of the row so far, [T].
        vocab: how many ids there are.
    Raises:
        RequestError: if the bias names an id that there is not.
    """

    def __init__(self, sampling: Sampling, prompt: Tensor, *, vocab: int) -> None:
        self.sampling = sampling
        self.generator = torch.Generator(device=prompt.device)
        if sampling.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(sampling.seed)
        with one_thread():  # as in `choose`
            self.seen = torch.zeros(vocab, dtype=torch.bool, device=prompt.device)
            self.counts = torch.zeros(vocab, device=prompt.device)
            self.seen[prompt] = True
        self.bias = biases(sampling, vocab).to(prompt.device) if sampling.bias else None

    def choose(self, logits: Tensor) -> Tensor:
        """The next id, [], from its logits [V]."""
        # One row is little work, and torch's other threads, once woken, keep a processor busy that the next step wants.
        with one_thread():
            token = pick(self.penalized(logits.float()), self.sampling, self.generator)
            self.seen[token] = True
            self.counts[token] += 1
        return token

    def penalized(self, logits: Tensor) -> Tensor:
        sampling = self.sampling
        if self.bias is not None:
            logits = logits + self.bias
        if sampling.repetition_penalty != 1.0:
            logits = torch.where(self.seen, discouraged(logits, sampling.repetition_penalty), logits)
        if sampling.presence_penalty or sampling.frequency_penalty:
            logits = logits - sampling.presence_penalty * (self.counts > 0) - sampling.frequency_penalty * self.counts
        return logits


def biases(sampling: Sampling, vocab: int) -> Tensor:
    """What is added to each logit: [V]."""
    found = torch.zeros(vocab)
    for token, bias in sampling.bias:
        if not 0 <= token < vocab:
            raise RequestError(
                "The bias names id {id}; this vocabulary has ids from 0 to {last}.", id=token, last=vocab - 1
            )
        found[token] = bias
    return found


def discouraged(logits: Tensor, penalty: float) -> Tensor:
    """Positive scores divided by the penalty, negative ones multiplied."""
    return torch.where(logits > 0, logits / penalty, logits * penalty)


def pick(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """One id, [], drawn from logits [V] as the settings say."""
    if sampling.temperature == 0.0:
        return logits.argmax()
    probabilities = filtered(logits / sampling.temperature, sampling).softmax(dim=-1)
    return torch.multinomial(probabilities, 1, generator=generator)[0]


def filtered(logits: Tensor, sampling: Sampling) -> Tensor:
    """Logits [V] with all that the filters leave out at minus infinity; the best one always stays."""
    if 0 < sampling.top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(sampling.top_k).values[-1], float("-inf"))
    if sampling.top_p < 1.0:
        ordered, order = logits.sort(descending=True)
        before = ordered.softmax(dim=-1).cumsum(dim=-1) - ordered.softmax(dim=-1)
        left_out = before >= sampling.top_p
        left_out[0] = False
        logits = logits.masked_fill(left_out.scatter(0, order, left_out), float("-inf"))
    if sampling.min_p > 0.0:
        probabilities = logits.softmax(dim=-1)
        logits = logits.masked_fill(probabilities < sampling.min_p * probabilities.max(), float("-inf"))
    return logits
