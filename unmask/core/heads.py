"""What a trunk's hidden states are read out as."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.core.feedforward import activation
from unmask.core.norms import NormSpec


@dataclass(frozen=True)
class NextTokenSpec:
    """A score for each token of the vocabulary; tied to the embedding, it reads with the rows it writes with.

    Source of tying: Press and Wolf 2017, section 2. Marian adds a bias.
    """

    tied: bool
    bias: bool = False

    def build(self, width: int, tokens: nn.Embedding) -> nn.Linear:
        head = nn.Linear(width, tokens.num_embeddings, bias=self.bias)
        if self.tied:
            head.weight = tokens.weight
        return head


@dataclass(frozen=True)
class MaskedTokenSpec:
    """A score for each token that may stand in a blank: one more layer and norm, then the vocabulary with a bias.

    Source: BERT (Devlin et al. 2019), section 3.1, task 1; the additional layer is that of its release.
    """

    activation: str
    norm: NormSpec
    tied: bool = True

    def build(self, width: int, tokens: nn.Embedding) -> MaskedToken:
        return MaskedToken(self, width, tokens)


class MaskedToken(nn.Module):
    """What a MaskedTokenSpec builds."""

    def __init__(self, spec: MaskedTokenSpec, width: int, tokens: nn.Embedding) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.activation = activation(spec.activation)
        self.norm = spec.norm.build(width)
        self.out = nn.Linear(width, tokens.num_embeddings)
        if spec.tied:
            self.out.weight = tokens.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., W] -> [..., V]."""
        scores: Tensor = self.out(self.prepared(hidden))
        return scores

    def prepared(self, hidden: Tensor) -> Tensor:
        """What the vocabulary is held against: [..., W] -> [..., W]."""
        normed: Tensor = self.norm(self.activation(self.dense(hidden)))
        return normed


HeadSpec = NextTokenSpec | MaskedTokenSpec


@dataclass(frozen=True)
class SummarySpec:
    """One vector for a whole row, read at its first token; and with `classes`, a score of each class of rows.

    The two classes of BERT's pre-training say whether the second text of a pair follows the first (0) or not (1).
    Source: BERT (Devlin et al. 2019), section 3.1, task 2; the layer before it is that of its release.
    """

    classes: int | None = None

    def build(self, width: int) -> Summary:
        return Summary(self, width)


class Summary(nn.Module):
    """What a SummarySpec builds."""

    def __init__(self, spec: SummarySpec, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.classes = nn.Linear(width, spec.classes) if spec.classes else None

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states [B, T, W] -> summaries [B, W]."""
        summary: Tensor = self.dense(hidden[:, 0]).tanh()
        return summary
