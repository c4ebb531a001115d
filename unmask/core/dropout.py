"""A pass for training: some of what passes through the model is left out by chance, and the rest made larger."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.alignment import Alignment
from unmask.core.attention import Attention
from unmask.core.block import Block
from unmask.core.embedding import Embedding
from unmask.core.kernels import attend, fused
from unmask.core.look import Look
from unmask.core.masks import KernelMask
from unmask.core.recurrent import Reader, Writer


@dataclass(frozen=True)
class Dropout:
    """The share that is left out, from 0 to below 1: of embeddings, of what sublayers give, of attention's weights.

    Sources: Vaswani et al. 2017, section 5.4; attention's weights: GPT (Radford et al. 2018), section 4.1, and BERT
    (Devlin et al. 2019), appendix A.2; all three use 0.1. Dropping weights costs memory and time on a CPU, where torch
    then stores them.
    """

    embedding: float = 0.0
    residual: float = 0.0
    attention: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in (
            ("embedding", self.embedding),
            ("residual", self.residual),
            ("attention", self.attention),
        ):
            if not 0.0 <= rate < 1.0:
                raise SpecError("Dropout of {name} is {rate}; it must be at least 0 and below 1.", name=name, rate=rate)


def drop(model: nn.Module, rates: Dropout) -> None:
    """Let every embedding, block and attention of the model drop so much while it trains; zeros undo it.

    Of a recurrent model it is what each layer gives that is dropped, never what it keeps from step to step (Zaremba et
    al. 2014, section 3.1).
    Weights, their names and the spec stay as they are, and in eval() the model gives what it always did.
    """
    for part in model.modules():
        if isinstance(part, Embedding):
            part.dropout = dropped(rates.embedding).train(part.training)
        elif isinstance(part, Block | Reader | Writer):
            part.dropout = dropped(rates.residual).train(part.training)
        elif isinstance(part, Attention):
            part.kernel = Dropping(part, rates.attention) if rates.attention else attend
        elif isinstance(part, Look):
            part.dropout = dropped(rates.attention).train(part.training)


def dropped(rate: float) -> nn.Module:
    return nn.Dropout(rate) if rate else nn.Identity()


@dataclass(frozen=True, eq=False)
class Dropping:
    """A kernel that drops some of the weights of the attention it is part of, while that trains."""

    attention: Attention
    rate: float

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
        return fused(query, key, value, mask, alignment, self.rate if self.attention.training else 0.0)
