"""Learn to fill blanks of any length: a GLM, which reads around a blank and writes into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from unmask.base.runtime import resolve_device
from unmask.checkpoints.rules import Report
from unmask.core.transformer import TransformerSpec
from unmask.data.blanks import BlankBatches, Mixture
from unmask.data.corpus import Corpus
from unmask.data.documents import read
from unmask.data.sifting import Preparation
from unmask.families.load import Loaded
from unmask.families.save import save_folder
from unmask.families.scales import MAKERS
from unmask.families.sizes import SIZES, found
from unmask.quantization.census import parameters
from unmask.recipes.knobs import Training
from unmask.recipes.plan import Plan, Work
from unmask.recipes.plan import plan as planned
from unmask.recipes.running import begun, corpora, dropping, finished, hooks, in_turn, vocabulary
from unmask.recipes.samples import filled, with_holes
from unmask.recipes.script import script
from unmask.training.distributed import processes
from unmask.training.loop import train
from unmask.training.objectives import Blanks

MARKS = ("[gMASK]", "[sMASK]", "<|startofpiece|>", "<|endofpiece|>")
"""Tokens of GLM's beside BERT's."""


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    """What can be told with --set."""

    tokenizer: str = "wordpiece"
    """The vocabulary to learn: wordpiece, bytes or unigram; or a model or folder to take a GLM's from."""
    vocab: int = 8192
    """The most tokens of a vocabulary that is learnt."""
    spans: float = 1.0
    """How often a batch has short blanks, beside the next two."""
    sentences: float = 0.0
    """How often its blanks are whole sentences."""
    ends: float = 0.0
    """How often its blank is all of the text's end, for writing."""
    hidden: float = 0.15
    """The share of a text that spans and sentences hide."""
    prompt: str | None = None
    """A text with [MASK] in it for the samples; none: a piece of the validation text."""
    sample_tokens: int = 12
    """The most tokens that a sample puts into a blank."""
    by: Literal["file", "paragraph", "line"] = "paragraph"


def shape(knobs: Knobs, vocab: int) -> TransformerSpec:
    size = found(knobs.size, SIZES) if knobs.size else None
    return MAKERS["glm"](size.scale if size else knobs.scale, vocab, knobs.length)


def plan(knobs: Knobs, data: Sequence[Path]) -> Plan:
    def forward(model: Any, rows: int) -> torch.Tensor:
        hidden: torch.Tensor = model(torch.zeros(rows, knobs.length, dtype=torch.int64, device="meta"))
        return hidden

    work = Work(knobs.rows, knobs.length, asked(knobs), forward)
    return planned(shape(knobs, knobs.vocab), knobs.settings(), work, resolve_device(knobs.device))


def asked(knobs: Knobs) -> float:
    """The share of a row that is to be said: an end of the text is three quarters of it, in the mean."""
    kinds = knobs.spans + knobs.sentences + knobs.ends
    return ((knobs.spans + knobs.sentences) * knobs.hidden + knobs.ends * 0.75) / kinds


def run(knobs: Knobs, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    settings, documents = knobs.settings(), read(data, field=knobs.field, by=knobs.by)
    preparation = Preparation(validation=knobs.validation, tail=knobs.held == "tail", sentences=knobs.sentences > 0)
    marks = MARKS if knobs.tokenizer == "wordpiece" else ("[CLS]", "[MASK]", *MARKS)

    with processes(knobs.share) as together:

        def prepared() -> tuple[Any, Corpus, Corpus]:
            texts = (document.text for document in documents)
            place = folder / "tokenizer"
            made = vocabulary(documents.fingerprint, texts, knobs.tokenizer, knobs.vocab, place, specials=marks)
            return made, *corpora(documents, made, folder / "corpus", preparation)

        tokenizer, learning, held = in_turn(together, prepared)
        spec = shape(knobs, tokenizer.size)
        model = begun(spec, knobs, "glm")

        def sample() -> list[str]:
            text = knobs.prompt or with_holes(held, tokenizer, hidden=3, room=knobs.length)
            return [f"{text}\n    {filled(model, tokenizer, text, limit=knobs.sample_tokens)}"]

        def batches(corpus: Corpus) -> BlankBatches:
            mixture = Mixture(knobs.spans, knobs.sentences, knobs.ends, share=knobs.hidden)
            return BlankBatches(
                corpus, tokenizer, rows=knobs.rows, length=knobs.length, seed=knobs.seed, mixture=mixture
            )

        report = train(
            model,
            Blanks(),
            batches(learning),
            settings,
            folder,
            validation=batches(held),
            hooks=hooks(knobs, sample),
            processes=together,
        )
        if together.rank == 0:
            dropping(model, 0.0)
            save_folder(Loaded("glm", spec, model, Report((), ()), tokenizer, None, None, {}), folder / "model")
            return finished(report, knobs, sample(), parameters(model))
    return {}


if __name__ == "__main__":
    script(__file__)
