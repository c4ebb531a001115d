"""Where a token stands: learned tables, and rotations of queries and keys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.tables import table


@dataclass(frozen=True)
class LearnedSpec:
    """One trained vector for each of `length` positions, after `first` rows that no text uses (RoBERTa has two).

    Source: GPT (Radford et al. 2018), section 3.1.
    """

    length: int
    first: int = 0

    def build(self, width: int) -> nn.Embedding:
        return table(self.first + self.length, width)


@dataclass(frozen=True)
class SinusoidSpec:
    """Waves of fixed lengths, 2 pi to 10,000 x 2 pi positions: sines in one half of the channels, cosines in the other.

    Source: Vaswani et al. 2017, section 3.5, which puts them in turn; Marian and the paper's own code put them so.
    """

    length: int

    def build(self, width: int) -> Sinusoid:
        return Sinusoid(width)


class Sinusoid(nn.Module):
    """What a SinusoidSpec builds; nothing in it is learnt."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, positions: Tensor) -> Tensor:
        """positions [B or 1, T] -> [B or 1, T, W], float32."""
        channel = torch.arange(0, self.width, 2, device=positions.device, dtype=torch.int64).float()
        angle = positions[..., None].float() / 10_000 ** (channel / self.width)  # [B, T, W/2], radians
        return torch.cat((angle.sin(), angle.cos()[..., : self.width // 2]), dim=-1)


@dataclass(frozen=True)
class RelativeSpec:
    """A learnt number a head, added to scores by how far the key is from the query, in `buckets` of distances.

    Half of the buckets hold one distance each, the others ever more, up to `reach`; all further are in the last. With
    `both`, half of all are for keys ahead, else these count as distance 0.
    Source: T5 (Raffel et al. 2020), section 2.1; the buckets are its release code's.
    """

    buckets: int
    reach: int
    both: bool

    def __post_init__(self) -> None:
        if self.exact < 1 or self.reach <= self.exact:
            raise SpecError(
                "{buckets} buckets cannot hold relative positions up to {reach}; there must be 4 or more, and a "
                "quarter of them below the reach.",
                buckets=self.buckets,
                reach=self.reach,
            )

    @property
    def count(self) -> int:
        """Buckets each way."""
        return self.buckets // 2 if self.both else self.buckets

    @property
    def exact(self) -> int:
        """Those of one distance."""
        return self.count // 2

    def build(self, heads: int) -> Relative:
        return Relative(self, heads)

    def bucket(self, distance: Tensor) -> Tensor:
        """Which bucket distances, key minus query, are in."""
        apart = distance.abs() if self.both else (-distance).clamp(min=0)
        growth = (apart.clamp(min=1).float() / self.exact).log() / math.log(self.reach / self.exact)
        far = self.exact + (growth * (self.count - self.exact)).long()
        found = apart.where(apart < self.exact, far.clamp(max=self.count - 1))
        return found + (distance > 0) * self.count if self.both else found


class Relative(nn.Module):
    """What a RelativeSpec builds."""

    def __init__(self, spec: RelativeSpec, heads: int) -> None:
        super().__init__()
        self.spec = spec
        self.table = table(spec.buckets, heads)

    def forward(self, start: int, length: int) -> Tensor:
        """Of queries in slots start..start+length and keys in all up to there: [1, H, T, S]."""
        slots = torch.arange(start + length, device=self.table.weight.device)
        found: Tensor = self.table(self.spec.bucket(slots - slots[start:, None]))  # [T, S, H]
        return found.permute(2, 0, 1)[None]


PositionSpec = LearnedSpec | SinusoidSpec


@dataclass(frozen=True)
class LinearScaling:
    """Positions divided by `factor`. Source: Chen et al. 2023, arXiv 2306.15595, section 2.3."""

    factor: float

    def rates(self, rates: Tensor, rotary: Rotary) -> tuple[Tensor, float]:
        return rates / self.factor, 1.0


@dataclass(frozen=True)
class Llama3Scaling:
    """Slow turns are slowed by `factor`, fast ones kept, those between blended. Source: Llama 3.1's release code.

    `original` is the context of the first training, in tokens.
    """

    factor: float
    low: float
    high: float
    original: int

    def rates(self, rates: Tensor, rotary: Rotary) -> tuple[Tensor, float]:
        turns = self.original * rates / (2 * math.pi)  # full turns within the first context
        keep = ((turns - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        return rates * (keep + (1.0 - keep) / self.factor), 1.0


@dataclass(frozen=True)
class FactorScaling:
    """Each pair of channels slowed by a factor of its own, as GGUF files store it."""

    factors: tuple[float, ...]

    def rates(self, rates: Tensor, rotary: Rotary) -> tuple[Tensor, float]:
        return rates / torch.tensor(self.factors, device=rates.device), 1.0


@dataclass(frozen=True)
class YarnScaling:
    """Slow turns interpolated, fast ones kept, weights sharpened. Source: Peng et al. 2023, section 3 (YaRN).

    `fast` and `slow` are turns within the `original` context (the paper's beta and alpha). `sharpness` is the factor
    on queries and keys each; None takes the paper's 0.1 ln(factor) + 1.
    """

    factor: float
    original: int
    fast: float = 32.0
    slow: float = 1.0
    sharpness: float | None = None
    truncate: bool = True

    def rates(self, rates: Tensor, rotary: Rotary) -> tuple[Tensor, float]:
        first, last = self.border(self.fast, rotary), self.border(self.slow, rotary)
        if self.truncate:
            first, last = math.floor(first), math.ceil(last)
        first, last = max(first, 0), min(last, rotary.width - 1)
        steps = torch.arange(rotary.width // 2, device=rates.device, dtype=torch.float32)
        blend = ((steps - first) / max(last - first, 0.001)).clamp(0.0, 1.0)  # 0 keeps, 1 interpolates
        grown = 0.1 * math.log(self.factor) + 1.0 if self.factor > 1 else 1.0
        return rates * (1.0 - blend + blend / self.factor), grown if self.sharpness is None else self.sharpness

    def border(self, turns: float, rotary: Rotary) -> float:
        """The pair of channels that makes so many turns within the original context."""
        return (rotary.width * math.log(self.original / (turns * 2 * math.pi))) / (2 * math.log(rotary.theta))


Scaling = LinearScaling | Llama3Scaling | FactorScaling | YarnScaling


class Turn(NamedTuple):
    """The rotation of each token: cosines and signed sines, each [B or 1, 1, T, D], in the model's dtype."""

    cosine: Tensor
    sine: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """Rotate queries or keys [B, H, T, D]."""
        return x * self.cosine + x.roll(x.shape[-1] // 2, dims=-1) * self.sine


@dataclass(frozen=True)
class Rotary:
    """Queries and keys turned by an angle that grows with position, channel c paired with c + width/2.

    Source: RoFormer (Su et al. 2021), section 3.2.2; the half layout is GPT-NeoX's. `width` is the head's width.
    """

    width: int
    theta: float = 10_000.0
    scaling: Scaling | None = None

    def __post_init__(self) -> None:
        if self.width < 2 or self.width % 2:
            raise SpecError("A head of width {width} cannot be turned; rotary wants an even width.", width=self.width)
        if not self.theta > 1:
            raise SpecError("Rotary's theta is {theta}; it must be larger than 1.", theta=self.theta)
        if isinstance(self.scaling, Llama3Scaling) and not self.scaling.low < self.scaling.high:
            raise SpecError(
                "Rotary scaling blends from {low} to {high} turns; the first must be smaller.",
                low=self.scaling.low,
                high=self.scaling.high,
            )
        if isinstance(self.scaling, FactorScaling) and len(self.scaling.factors) != self.width // 2:
            raise SpecError(
                "{count} rotary factors for a head of width {width}; {wanted} are needed, one for each pair.",
                count=len(self.scaling.factors),
                width=self.width,
                wanted=self.width // 2,
            )

    def plain_rates(self, device: torch.device) -> Tensor:
        """How fast each pair of channels turns before any scaling: [D/2], radians a position."""
        channel = torch.arange(0, self.width, 2, device=device, dtype=torch.int64).float()
        return 1.0 / (self.theta ** (channel / self.width))

    def turn(self, positions: Tensor, dtype: torch.dtype) -> Turn:
        """The rotation for positions [B, T]; made once for all layers of a forward."""
        # float32 on purpose: bfloat16 cannot tell position 4,100 from 4,096.
        rates = self.plain_rates(positions.device)
        rates, sharpness = self.scaling.rates(rates, self) if self.scaling else (rates, 1.0)
        angle = positions[:, None, :, None].float() * rates  # [B, 1, T, D/2], radians
        cosine, sine = angle.cos() * sharpness, angle.sin() * sharpness
        return Turn(torch.cat((cosine, cosine), dim=-1).to(dtype), torch.cat((-sine, sine), dim=-1).to(dtype))
