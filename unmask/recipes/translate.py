"""Learn to turn one text into another, such as a translation: the first Transformer, or a recurrent network.

Give --data a table with both texts (.tsv, .jsonl), or plain files two by two whose lines belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from unmask.base.runtime import resolve_device
from unmask.data.parallel import PairBatches, parallel
from unmask.families import marian, rnn
from unmask.families.rnn import RNNSize
from unmask.families.scales import scaled_original
from unmask.families.seq2seq import LoadedSeq2Seq, save_seq2seq
from unmask.families.sizes import SEQ2SEQ_SIZES, found
from unmask.quantization.census import parameters
from unmask.recipes.judged import Judged, rounded
from unmask.recipes.knobs import Training
from unmask.recipes.pairs import Pairs, read_pairs, split
from unmask.recipes.plan import Plan, Work
from unmask.recipes.plan import plan as planned
from unmask.recipes.running import begun, dropping, finished, hooks, in_turn, vocabulary
from unmask.recipes.script import script
from unmask.text.tokenizer import Tokenizer
from unmask.training.distributed import processes
from unmask.training.loop import train
from unmask.training.objectives import Sequence as Said


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    """What can be told with --set."""

    model: Literal["transformer", "rnn"] = "transformer"
    """What learns: a Transformer (Marian's layout), or a recurrent network as the next five say."""
    cell: Literal["gru", "lstm"] = "gru"
    """The recurrent network's."""
    attention: Literal["bahdanau", "luong", "luong-feeding", "none"] = "bahdanau"
    """When the recurrent network looks at the source: before each word, after it, that fed to the next, or never."""
    alignment: Literal["additive", "dot", "scaled-dot", "general", "concat", "cosine", "location", "gaussian"] = (
        "additive"
    )
    """How well a state and a word of the source fit."""
    distribution: Literal["softmax", "sparsemax", "entmax", "hard"] = "softmax"
    """What makes shares of that."""
    window: Literal["global", "local-m", "local-p"] = "global"
    """Where it may look."""
    source: str = "source"
    """The field or column of the text that is read."""
    target: str = "target"
    """The field or column of the text that is written."""
    language: str = "en"
    """Of what is written: it decides what BLEU takes for a word, in zh a character."""
    tokenizer: str = "unigram"
    """The vocabulary of both texts to learn: unigram or bytes; or a model or folder to take one from."""
    joint: bool = True
    """One vocabulary for both texts; without it, one each."""
    vocab: int = 8192
    """The most tokens of a vocabulary that is learnt."""
    smoothing: float = 0.1
    """The share of each target that is spread over the vocabulary, against being too sure."""
    judged: int = 100
    """Pairs of the validation text that are translated and scored at each look; at the end all are."""
    beams: int = 4
    """Hypotheses side by side at the end; each look takes the likeliest token after token."""
    depth: int = 3
    length: int = 64
    rows: int = 32
    """Rows of full length that a step has room for; of shorter ones it has more."""
    schedule: Literal["cosine", "linear", "wsd", "noam", "constant"] = "noam"
    warmup: int = 400
    decay: float = 0.0
    beta2: float = 0.98
    dropout: float = 0.1


def shape(knobs: Knobs, vocab: int, target_vocab: int | None) -> Any:
    """The spec; `target_vocab`: of what is written, None where both texts have one vocabulary."""
    size = found(knobs.size, SEQ2SEQ_SIZES) if knobs.size else None
    scale = size.scale if size else knobs.scale
    if knobs.model == "transformer":
        return scaled_original(scale, vocab, knobs.length, target_vocab)
    return rnn.rnn(
        RNNSize(
            width=scale.width,
            depth=scale.depth,
            vocab=vocab,
            context=knobs.length,
            target_vocab=target_vocab,
            cell=knobs.cell,
            attention=knobs.attention,
            alignment=knobs.alignment,
            distribution=knobs.distribution,
            window=knobs.window,
        )
    )


def plan(knobs: Knobs, data: Sequence[Path]) -> Plan:
    def forward(model: Any, rows: int) -> torch.Tensor:
        tokens = torch.zeros(rows, knobs.length, dtype=torch.int64, device="meta")
        hidden: torch.Tensor = model(tokens, tokens)
        return hidden

    work = Work(knobs.rows, 2 * knobs.length, 1.0, forward)
    return planned(
        shape(knobs, knobs.vocab, None if knobs.joint else knobs.vocab),
        knobs.settings(),
        work,
        resolve_device(knobs.device),
    )


def run(knobs: Knobs, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
    settings, pairs = knobs.settings(), read_pairs(data, source=knobs.source, target=knobs.target)
    learning, held = split(pairs, knobs.validation)

    with processes(knobs.share) as together:

        def learnt() -> tuple[Tokenizer, Tokenizer]:
            if knobs.joint:
                both = vocabulary(pairs.fingerprint, pairs.texts(), knobs.tokenizer, knobs.vocab, folder / "tokenizer")
                return both, both
            read, said = (
                vocabulary(pairs.fingerprint, side, knobs.tokenizer, knobs.vocab, folder / f"tokenizer-{name}")
                for name, side in (("source", pairs.sources), ("target", pairs.targets))
            )
            return read, said

        reader, writer = in_turn(together, learnt)
        end = min(writer.ends)
        assert min(reader.ends) == end, "vocabularies that are made alike begin alike"
        pad = end if writer.pad is None else writer.pad
        spec = shape(knobs, reader.size, None if knobs.joint else writer.size)
        model = begun(spec, knobs, "bert" if knobs.model == "transformer" else "transformer")

        def batches(of: Pairs) -> PairBatches:
            sides = reader.rows(of.sources, special=False), writer.rows(of.targets, special=False)
            made = parallel(*sides, end=end, length=knobs.length)
            return PairBatches(made, rows=knobs.rows, seed=knobs.seed, start=pad, pad=pad)

        family = marian.NAME if knobs.model == "transformer" else rnn.NAME
        ends, never = frozenset({end}), frozenset({pad} - {end})
        loaded = LoadedSeq2Seq(family, spec, model, reader, writer, start=pad, ends=ends, pad=pad, never=never)
        judge = Judged(loaded, held, pairs=knobs.judged, language=knobs.language, length=knobs.length)
        report = train(
            model,
            Said(knobs.smoothing),
            batches(learning),
            settings,
            folder,
            validation=batches(held),
            hooks=[*hooks(knobs, judge.sample), judge],
            processes=together,
        )
        if together.rank == 0:
            dropping(model, 0.0)
            save_seq2seq(loaded, folder / "model")
            best = rounded(judge.scores(None, beams=knobs.beams)) if knobs.judged else None
            return finished(report, knobs, judge.sample(), parameters(model), scores=best)
    return {}


if __name__ == "__main__":
    script(__file__)
