"""Learn to understand text: a BERT that says hidden words, and whether one sentence follows another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from unmask.base.runtime import resolve_device
from unmask.checkpoints.rules import Report
from unmask.core.transformer import TransformerSpec
from unmask.data.corpus import Corpus
from unmask.data.corrupt import Rates
from unmask.data.documents import read
from unmask.data.masked import MaskedBatches
from unmask.data.sifting import Preparation
from unmask.families.load import Loaded
from unmask.families.save import save_folder
from unmask.families.scales import MAKERS
from unmask.families.sizes import SIZES, found
from unmask.model import Model
from unmask.recipes.knobs import Training
from unmask.recipes.plan import Plan, Work
from unmask.recipes.plan import plan as planned
from unmask.recipes.running import begun, corpora, dropping, finished, hooks, in_turn, vocabulary
from unmask.recipes.samples import with_holes
from unmask.recipes.script import script
from unmask.training.distributed import processes
from unmask.training.loop import train
from unmask.training.objectives import Masked

BEST = 3
"""Guesses that are shown for a hidden word."""


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    """What can be told with --set."""

    tokenizer: str = "wordpiece"
    """The vocabulary to learn: wordpiece; or a model or folder to take one from that has [CLS], [SEP] and [MASK]."""
    vocab: int = 8192
    """The most tokens of a vocabulary that is learnt."""
    hidden: float = 0.15
    """The share of tokens that is hidden."""
    words: bool = True
    """Hide words as a whole; of Chinese text too, with the extra `chinese`."""
    pairs: bool = True
    """Learn too whether one text follows another."""
    prompt: str | None = None
    """A text with [MASK] in it for the samples; none: a piece of the validation text."""
    by: Literal["file", "paragraph", "line"] = "paragraph"
    rate: float = 5e-4
    schedule: Literal["cosine", "linear", "wsd", "noam", "constant"] = "linear"
    floor: float = 0.0
    decay: float = 0.01
    beta2: float = 0.999


def shape(knobs: Knobs, vocab: int) -> TransformerSpec:
    size = found(knobs.size, SIZES) if knobs.size else None
    return MAKERS["bert"](size.scale if size else knobs.scale, vocab, knobs.length)


def plan(knobs: Knobs, data: Sequence[Path]) -> Plan:
    def forward(model: Any, rows: int) -> torch.Tensor:
        hidden: torch.Tensor = model(torch.zeros(rows, knobs.length, dtype=torch.int64, device="meta"))
        return hidden

    work = Work(knobs.rows, knobs.length, knobs.hidden, forward)
    return planned(shape(knobs, knobs.vocab), knobs.settings(), work, resolve_device(knobs.device))


def run(knobs: Knobs, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    settings, documents = knobs.settings(), read(data, field=knobs.field, by=knobs.by)
    preparation = Preparation(
        validation=knobs.validation, tail=knobs.held == "tail", words=knobs.words, sentences=knobs.pairs
    )

    with processes(knobs.share) as together:

        def prepared() -> tuple[Any, Corpus, Corpus]:
            texts = (document.text for document in documents)
            made = vocabulary(documents.fingerprint, texts, knobs.tokenizer, knobs.vocab, folder / "tokenizer")
            return made, *corpora(documents, made, folder / "corpus", preparation)

        tokenizer, learning, held = in_turn(together, prepared)
        spec = shape(knobs, tokenizer.size)
        model = begun(spec, knobs, "bert")
        loaded = Loaded("bert", spec, model, Report((), ()), tokenizer, None, None, {})
        reader = Model(folder.name, loaded)

        def sample() -> list[str]:
            text = knobs.prompt or with_holes(held, tokenizer, hidden=1, room=knobs.length)
            guesses = [[each.token for each in blank.guesses] for blank in reader.fill(text, best=BEST)]
            return [text + "".join(f"\n    [MASK]: {', '.join(each)}" for each in guesses)]

        def batches(corpus: Corpus) -> MaskedBatches:
            return MaskedBatches(
                corpus,
                tokenizer,
                rows=knobs.rows,
                length=knobs.length,
                seed=knobs.seed,
                rates=Rates(knobs.hidden),
                words=knobs.words,
                pairs=knobs.pairs,
            )

        report = train(
            model,
            Masked(),
            batches(learning),
            settings,
            folder,
            validation=batches(held),
            hooks=hooks(knobs, sample),
            processes=together,
        )
        if together.rank == 0:
            dropping(model, 0.0)
            save_folder(loaded, folder / "model")
            return finished(report, knobs, sample(), reader.parameters)
    return {}


if __name__ == "__main__":
    script(__file__)
