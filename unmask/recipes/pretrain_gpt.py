"""Learn to write from any text: a GPT that says each next token.

As it stands this is nanoGPT's setting for a CPU: characters of Shakespeare, 4 layers of width 128.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from unmask.base.runtime import resolve_device
from unmask.checkpoints.rules import Report
from unmask.core.transformer import TransformerSpec
from unmask.data.causal import CausalBatches
from unmask.data.corpus import Corpus
from unmask.data.documents import read
from unmask.data.sifting import Preparation
from unmask.families.load import Loaded
from unmask.families.save import save_folder
from unmask.families.scales import MAKERS
from unmask.families.sizes import SIZES, found
from unmask.generation.sampling import Sampling
from unmask.model import Model
from unmask.recipes.knobs import Training
from unmask.recipes.plan import Plan, Work
from unmask.recipes.plan import plan as planned
from unmask.recipes.running import begun, corpora, dropping, finished, hooks, in_turn, vocabulary
from unmask.recipes.samples import continued
from unmask.recipes.script import script
from unmask.training.distributed import processes
from unmask.training.loop import train
from unmask.training.objectives import Causal

STARTS = {"gpt1": "gpt"}


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    """What can be told with --set."""

    tokenizer: str = "characters"
    """The vocabulary to learn: characters, bytes, wordpiece or unigram; or a model or folder to take one from."""
    vocab: int = 8192
    """The most tokens of a vocabulary that is learnt."""
    family: Literal["gpt1", "gpt2", "gpt3", "llama"] = "gpt2"
    """Whose wiring."""
    cut: Literal["packed", "stream", "crops"] = "crops"
    """Rows of whole documents kept apart, pieces of the text in one row, or pieces that begin anywhere."""
    prompt: str = "\n"
    """What the samples go on from."""
    sample_tokens: int = 200
    """Tokens of a sample."""
    temperature: float = 0.8
    """How freely it is written; 0 takes the likeliest token."""
    held: Literal["tail", "documents"] = "tail"
    validation: float = 0.1
    width: int | None = 128
    heads: int | None = 4
    length: int = 64
    rows: int = 12
    beta2: float = 0.99
    evaluate_every: int = 250


def shape(knobs: Knobs, vocab: int) -> tuple[str, TransformerSpec]:
    """The family's name and the model."""
    size = found(knobs.size, SIZES) if knobs.size else None
    family = size.family if size else knobs.family
    return family, MAKERS[family](size.scale if size else knobs.scale, vocab, knobs.length)


def plan(knobs: Knobs, data: Sequence[Path]) -> Plan:
    def forward(model: Any, rows: int) -> torch.Tensor:
        hidden: torch.Tensor = model(torch.zeros(rows, knobs.length, dtype=torch.int64, device="meta"))
        return hidden

    work = Work(knobs.rows, knobs.length, 1.0, forward)
    return planned(shape(knobs, knobs.vocab)[1], knobs.settings(), work, resolve_device(knobs.device))


def run(knobs: Knobs, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    settings, documents = knobs.settings(), read(data, field=knobs.field, by=knobs.by)
    preparation = Preparation(validation=knobs.validation, tail=knobs.held == "tail")

    with processes(knobs.share) as together:

        def prepared() -> tuple[Any, Corpus, Corpus]:
            texts = (document.text for document in documents)
            made = vocabulary(documents.fingerprint, texts, knobs.tokenizer, knobs.vocab, folder / "tokenizer")
            return made, *corpora(documents, made, folder / "corpus", preparation)

        tokenizer, learning, held = in_turn(together, prepared)
        family, spec = shape(knobs, tokenizer.size)
        model = begun(spec, knobs, STARTS.get(family, "gpt2"))
        loaded = Loaded(family, spec, model, Report((), ()), tokenizer, None, None, {})
        writer = Model(folder.name, loaded)

        def sample() -> list[str]:
            sampling = Sampling(temperature=knobs.temperature, top_k=200, seed=knobs.seed)
            return [continued(writer, knobs.prompt, sampling, count=knobs.sample_tokens)]

        def batches(corpus: Corpus) -> CausalBatches:
            return CausalBatches(corpus, rows=knobs.rows, length=knobs.length, seed=knobs.seed, cut=knobs.cut)

        report = train(
            model,
            Causal(),
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
            return finished(report, knobs, sample(), writer.parameters)
    return {}


if __name__ == "__main__":
    script(__file__)
