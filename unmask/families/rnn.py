"""Recurrent translators, with and without attention; the layout is ours, since no published one has so many kinds.

Sources: Sutskever et al. 2014 (without), Bahdanau et al. 2015, Luong et al. 2015.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import torch

from unmask.checkpoints.rules import Rules, rule
from unmask.core.alignment import ALIGNMENTS
from unmask.core.cells import CELLS
from unmask.core.distribution import DISTRIBUTIONS
from unmask.core.look import WINDOWS, LookSpec, check_name
from unmask.core.places import parameter_places
from unmask.core.recurrent import RecurrentSpec
from unmask.families.fields import Fields

NAME = "unmask-rnn"
ATTENTION: Mapping[str, tuple[bool, bool]] = {
    "bahdanau": (True, False),
    "luong": (False, False),
    "luong-feeding": (False, True),
    "none": (False, False),
}
"""Whether a decoder looks first, and whether it feeds what came of it to the next step."""


@dataclass(frozen=True)
class RNNSize:
    """What makes one of these models of another; config.json has these fields.

    Args:
        vocab: of what is read.
        target_vocab: of what is written; None is the same, in one table for both.
        attention: one of ATTENTION; without, what is said of it below is for nothing.
        alignment, distribution, window, reach: as in LookSpec.
        tied: whether scores of tokens are read with the rows that they are written with.
    """

    width: int
    depth: int
    vocab: int
    context: int
    target_vocab: int | None = None
    cell: str = "gru"
    bidirectional: bool = True
    attention: str = "bahdanau"
    alignment: str = "additive"
    distribution: str = "softmax"
    window: str = "global"
    reach: int = 10
    tied: bool = True


def rnn(size: RNNSize) -> RecurrentSpec:
    """
    Raises:
        SpecError: for a word that is not known, or sizes that contradict each other.
    """
    check_name("attention", size.attention, ATTENTION)
    first, feeding = ATTENTION[size.attention]
    look = LookSpec(size.alignment, size.distribution, size.window, size.reach)
    return RecurrentSpec(
        width=size.width,
        depth=size.depth,
        context=size.context,
        vocab=size.vocab if size.target_vocab is None else size.target_vocab,
        source_vocab=None if size.target_vocab is None else size.vocab,
        cell=size.cell,
        bidirectional=size.bidirectional,
        look=None if size.attention == "none" else look,
        first=first,
        feeding=feeding,
        tied=size.tied,
    )


def from_hub(config: Fields) -> RecurrentSpec:
    def word(name: str, known: Iterable[str], default: str) -> str:
        return config.choice(name, {each: each for each in known}, default)

    return rnn(
        RNNSize(
            width=config.size("width"),
            depth=config.depth("depth"),
            vocab=config.size("vocab"),
            context=config.size("context"),
            target_vocab=config.size("target_vocab") if config.has("target_vocab") else None,
            cell=word("cell", CELLS, RNNSize.cell),
            bidirectional=config.flag("bidirectional", RNNSize.bidirectional),
            attention=word("attention", ATTENTION, RNNSize.attention),
            alignment=word("alignment", ALIGNMENTS, RNNSize.alignment),
            distribution=word("distribution", DISTRIBUTIONS, RNNSize.distribution),
            window=word("window", WINDOWS, RNNSize.window),
            reach=config.size("reach", RNNSize.reach),
            tied=config.flag("tied", RNNSize.tied),
        )
    )


def to_hub(spec: RecurrentSpec) -> dict[str, object]:
    known = next(word for word, kind in ATTENTION.items() if kind == (spec.first, spec.feeding))
    look = LookSpec() if spec.look is None else spec.look
    size = RNNSize(
        width=spec.width,
        depth=spec.depth,
        vocab=spec.vocab if spec.source_vocab is None else spec.source_vocab,
        context=spec.context,
        target_vocab=None if spec.source_vocab is None else spec.vocab,
        cell=spec.cell,
        bidirectional=spec.bidirectional,
        attention="none" if spec.look is None else known,
        alignment=look.alignment,
        distribution=look.distribution,
        window=look.window,
        reach=look.reach,
        tied=spec.tied,
    )
    return {"architectures": ["UnmaskRNN"], "is_encoder_decoder": True, **asdict(size)}


def hub_rules(spec: RecurrentSpec) -> Rules:
    """Theirs are our own names; what has several of them has the first."""
    with torch.device("meta"):
        names = parameter_places(spec.build())
    return Rules(tuple(rule(name, name) for name in names))
