"""Learn to turn one text into another, such as a translation: the first Transformer, an encoder and a decoder.

Give --data a table with both texts (.tsv, .jsonl), or two files whose lines belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from unmask.base.runtime import resolve_device
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.data.parallel import PairBatches, Parallel, parallel
from unmask.families.scales import scaled_original
from unmask.families.seq2seq import LoadedSeq2Seq, save_seq2seq
from unmask.families.sizes import SEQ2SEQ_SIZES, found
from unmask.quantization.census import parameters
from unmask.recipes.knobs import Training
from unmask.recipes.pairs import Pairs, read_pairs, split
from unmask.recipes.plan import Plan, Work
from unmask.recipes.plan import plan as planned
from unmask.recipes.running import begun, dropping, finished, hooks, in_turn, vocabulary
from unmask.recipes.samples import written
from unmask.recipes.script import script
from unmask.training.distributed import processes
from unmask.training.loop import train
from unmask.training.objectives import Sequence as Said

SHOWN = 3
"""Pairs of the validation text that are shown."""


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    """What can be told with --set."""

    source: str = "source"
    """The field or column of the text that is read."""
    target: str = "target"
    """The field or column of the text that is written."""
    tokenizer: str = "unigram"
    """The vocabulary of both texts to learn: unigram or bytes; or a model or folder to take one from."""
    vocab: int = 8192
    """The most tokens of a vocabulary that is learnt."""
    smoothing: float = 0.1
    """The share of each target that is spread over the vocabulary, against being too sure."""
    depth: int = 3
    length: int = 64
    rows: int = 64
    schedule: Literal["cosine", "linear", "wsd", "noam", "constant"] = "noam"
    warmup: int = 400
    decay: float = 0.0
    beta2: float = 0.98
    dropout: float = 0.1


def shape(knobs: Knobs, vocab: int) -> Seq2SeqSpec:
    size = found(knobs.size, SEQ2SEQ_SIZES) if knobs.size else None
    return scaled_original(size.scale if size else knobs.scale, vocab, knobs.length)


def plan(knobs: Knobs, data: Sequence[Path]) -> Plan:
    def forward(model: Any, rows: int) -> torch.Tensor:
        tokens = torch.zeros(rows, knobs.length, dtype=torch.int64, device="meta")
        hidden: torch.Tensor = model.decode(tokens, model.encode(tokens))
        return hidden

    work = Work(knobs.rows, 2 * knobs.length, 1.0, forward)
    return planned(shape(knobs, knobs.vocab), knobs.settings(), work, resolve_device(knobs.device))


def run(knobs: Knobs, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    settings, pairs = knobs.settings(), read_pairs(data, source=knobs.source, target=knobs.target)
    learning, held = split(pairs, knobs.validation)

    with processes(knobs.share) as together:

        def learnt() -> Any:
            place = folder / "tokenizer"
            return vocabulary(pairs.fingerprint, pairs.texts(), knobs.tokenizer, knobs.vocab, place)

        tokenizer = in_turn(together, learnt)
        end = min(tokenizer.ends)
        pad = end if tokenizer.pad is None else tokenizer.pad
        spec = shape(knobs, tokenizer.size)
        model = begun(spec, knobs, "transformer")

        def ids(of: Pairs) -> Parallel:
            sides = (tokenizer.rows(side, special=False) for side in (of.sources, of.targets))
            return parallel(*sides, end=end, length=knobs.length)

        def batches(of: Pairs) -> PairBatches:
            return PairBatches(ids(of), rows=knobs.rows, seed=knobs.seed, start=pad, pad=pad)

        def sample() -> list[str]:
            made = []
            for source, target in zip(held.sources[:SHOWN], held.targets[:SHOWN], strict=True):
                row = [*tokenizer.encode(source, special=False).ids[: knobs.length - 1], end]
                said = tokenizer.decode(written(model, row, start=pad, end=end, limit=knobs.length))
                made.append(f"{source}\n    {said}\n    ({target})")
            return made

        report = train(
            model,
            Said(knobs.smoothing),
            batches(learning),
            settings,
            folder,
            validation=batches(held),
            hooks=hooks(knobs, sample),
            processes=together,
        )
        if together.rank == 0:
            dropping(model, 0.0)
            save_seq2seq(LoadedSeq2Seq(spec, model, tokenizer, start=pad), folder / "model")
            return finished(report, knobs, sample(), parameters(model))
    return {}


if __name__ == "__main__":
    script(__file__)
