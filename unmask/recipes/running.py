"""What recipes have in common: a vocabulary and a corpus that are made once, who watches a run, and its report."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import torch
from torch import nn

from unmask.base.errors import DataError, TrainingError
from unmask.base.files import atomic, storage_errors
from unmask.base.language import say
from unmask.base.runtime import resolve_device
from unmask.checkpoints.hub import locate
from unmask.core.dropout import Dropout, drop
from unmask.core.initial import initialize
from unmask.data.corpus import Corpus
from unmask.data.documents import Documents
from unmask.data.shards import TRAIN, VALIDATION, Tally, prepare
from unmask.data.sifting import Preparation
from unmask.recipes.knobs import Training
from unmask.recipes.plot import Plot
from unmask.text.formats import read_folder
from unmask.text.save import write_folder
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import KINDS, learn
from unmask.training.hooks import Hook, TrainReport
from unmask.training.logs import LOG, Log, TensorBoard, lines
from unmask.training.processes import Processes
from unmask.training.progress import Progress
from unmask.training.run import Run

MADE = "made.json"
SAMPLES = "samples.txt"
Found = TypeVar("Found")


def in_turn(processes: Processes, act: Callable[[], Found]) -> Found:
    """Let the first process act, and then the others, who find what it left."""
    if processes.rank:
        processes.summed([0])
        return act()
    found = act()
    processes.summed([0])
    return found


def vocabulary(
    made_of: str, texts: Iterable[str], kind: str, vocab: int, folder: Path, *, specials: Sequence[str] = ()
) -> Tokenizer:
    """The run's vocabulary: learnt once and kept in `folder`, or one that is there already.

    Args:
        made_of: names the texts; another run's vocabulary is not taken for this one's.
        texts: read if a vocabulary is to be learnt.
        kind: a kind to learn, or the name or folder of a model whose vocabulary it is to be.
    Raises:
        TrainingError: if the folder has the vocabulary of another run.
        DataError: if there is no vocabulary with that model.
    """
    made = {"texts": made_of, "kind": kind, "vocab": vocab, "specials": list(specials)}
    note = folder / MADE
    if not note.exists():
        if kind in KINDS:
            told(say("Learning a vocabulary of up to {vocab:,} tokens ({kind}).", vocab=vocab, kind=kind))
            found = learn(kind, texts, vocab=vocab, specials=specials)
        else:
            found = borrowed(kind)
        write_folder(found, None, folder)
        with atomic(note) as stream:
            stream.write(json.dumps(made).encode())
    elif json.loads(note.read_bytes()) != made:
        raise TrainingError(
            "{folder} is the vocabulary of another run, of other text or made in another way. Choose another folder "
            "with --out, or ask for what it was.",
            folder=folder,
        )
    kept = read_folder(folder)
    assert kept is not None, "it was written above"
    return kept


def borrowed(name: str) -> Tokenizer:
    """The vocabulary of a model that is on this machine."""
    folder = locate(name)
    found = read_folder(folder) if folder.is_dir() else None
    if found is None:
        raise DataError(
            "{name} has no tokenizer to take. Name a folder that has one, or learn one: {kinds}.",
            name=name,
            kinds=", ".join(KINDS),
        )
    return found


def corpora(
    documents: Documents, tokenizer: Tokenizer, folder: Path, preparation: Preparation
) -> tuple[Corpus, Corpus]:
    """The two splits of the run's corpus, to learn from and to judge by; made once and kept in `folder`.

    Raises:
        DataError: if the folder's corpus is of other documents, or nothing is left of these.
    """
    from tqdm import tqdm

    with tqdm(disable=not sys.stderr.isatty(), delay=1, unit_scale=True, leave=False) as bar:

        def seen(tally: Tally) -> None:
            bar.update(tally.characters - bar.n)

        prepare(documents, tokenizer, folder, preparation, progress=seen)
    learning, held = (Corpus.open(folder, split, tokenizer=tokenizer) for split in (TRAIN, VALIDATION))
    told(say("{learning:,} tokens to learn from, {held:,} to judge by.", learning=learning.tokens, held=held.tokens))
    return learning, held


def begun(spec: Any, knobs: Training, scheme: str) -> Any:
    """A model with its first weights, on its device."""
    with torch.device("meta"):
        model = spec.build()
    initialize(model, seed=knobs.seed, scheme=scheme, device=resolve_device(knobs.device))
    return dropping(model, knobs.dropout)


def dropping(model: nn.Module, share: float) -> nn.Module:
    """Let embeddings and sublayers drop that share; 0 undoes it."""
    drop(model, Dropout(embedding=share, residual=share))
    return model


def hooks(knobs: Training, sample: Callable[[], Sequence[str]]) -> list[Hook]:
    """Who watches a run of a recipe."""
    return [Progress(), Log(), Plot(), Samples(sample), *([TensorBoard()] if knobs.tensorboard else [])]


class Samples(Hook):
    """Writes to samples.txt what the model says at each look at the validation data."""

    def __init__(self, sample: Callable[[], Sequence[str]]) -> None:
        self.sample = sample

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        if run.processes.sharded:  # each holds a part of the weights, and only the first is here
            return
        path = run.folder / SAMPLES
        with storage_errors(path), path.open("a", encoding="utf-8") as stream:
            stream.write(f"--- {run.step}\n" + "\n".join(self.sample()) + "\n\n")


def finished(
    report: TrainReport,
    knobs: Training,
    samples: Sequence[str],
    parameters: int,
    scores: Mapping[str, float] | None = None,
) -> Mapping[str, Any]:
    """Write report.json into the run's folder; what it says. `scores`: of what the model says, where it has some."""
    log = lines(report.folder / LOG)
    judged = [line["validation"] for line in log if "validation" in line]
    made = {
        "steps": report.step,
        "stopped": report.stopped,
        "validation": judged[-1] if judged else None,
        **({"scores": scores} if scores else {}),
        "tokens": report.seen,
        "seconds": round(report.seconds, 1),
        "parameters": parameters,
        "samples": list(samples),
        "knobs": asdict(knobs),
    }
    with atomic(report.folder / "report.json") as stream:
        stream.write(json.dumps(made, ensure_ascii=False, indent=1).encode())
    return made


def told(message: str) -> None:
    """Say something that is not the result; of processes that torchrun started, the first says it."""
    if os.environ.get("RANK", "0") == "0":
        click.echo(message, err=True)
