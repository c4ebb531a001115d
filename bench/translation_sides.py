"""One system of bench/translation.py: it learns to translate for so many CPU seconds, in a process of its own.

    python bench/translation_sides.py SYSTEM SET FOLDER [--minutes 20] [--seed 1] [--every 250] [--set width=256 ...]

Into FOLDER go curve.jsonl, a line a look: {"seconds", "steps", "loss", "bleu", "chrf"}, and the model. Only the steps
are counted, in CPU seconds of this process with one thread, so that what else the machine does costs little. The loss
is that of about 1,000 pairs held out of those to learn from; BLEU is that of the test pairs, which choose nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from bench.translation_data import SETS, Material, material
from unmask.core.dropout import Dropout, drop
from unmask.core.initial import initialize
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.data.batch import IGNORED, Batch
from unmask.data.parallel import PairBatches
from unmask.evaluation.translation import scores
from unmask.families import marian, rnn
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.seq2seq import LoadedSeq2Seq, save_seq2seq
from unmask.generation.rendering import Manner
from unmask.generation.search import Search
from unmask.generation.translate import translate
from unmask.training.objectives import Sequence as Said
from unmask.training.processes import Alone
from unmask.training.run import Run
from unmask.training.settings import AdamW, Schedule, TrainSettings

CURVE = "curve.jsonl"
TOGETHER = 64
"""Sentences that are translated at once."""
FOREVER = 1 << 20


@dataclass(frozen=True)
class Case:
    """Sizes, and how it learns; `rows` is of full length, as `unmask train translate` counts them."""

    width: int = 192
    depth: int = 2
    heads: int = 4
    hidden: int = 768
    dropout: float = 0.1
    smoothing: float = 0.1
    rate: float = 1.5e-3
    warmup: int = 200
    schedule: str = "noam"
    beta2: float = 0.98
    rows: int = 16
    attention: str = ""
    """A recurrent network's; empty is a Transformer."""


TRANSFORMER = Case()
RECURRENT = Case(width=256, depth=1, attention="bahdanau", rate=1e-3, schedule="constant", warmup=0, beta2=0.999)
CASES = {
    "rnn": replace(RECURRENT, attention="none"),
    "attending rnn": RECURRENT,
    "transformer": TRANSFORMER,
    "peer": TRANSFORMER,
}


class Learner(Protocol):
    """A model that learns a step at a time."""

    def advance(self) -> None: ...

    def cost(self, batch: Batch) -> tuple[float, int]:
        """The summed cost of a batch's targets, without smoothing, and how many there are."""
        ...

    def say(self, sources: Sequence[Sequence[int]], *, beams: int) -> list[str]:
        """The likeliest translations of sources that end in the end token."""
        ...

    def save(self, folder: Path) -> None: ...


class Ours:
    """What `unmask train translate` runs, step by step."""

    def __init__(self, case: Case, made: Material, seed: int, folder: Path) -> None:
        self.case, self.made = case, made
        self.spec = spec(case, made)
        with torch.device("meta"):
            self.model: Any = self.spec.build()
        scheme = "transformer" if case.attention else "bert"
        initialize(self.model, seed=seed, scheme=scheme, device=torch.device("cpu"))
        drop(self.model, Dropout(embedding=case.dropout, residual=case.dropout))
        settings = TrainSettings(
            steps=FOREVER,
            optimizer=AdamW(rate=case.rate, decay=0.0, betas=(0.9, case.beta2)),
            schedule=Schedule(case.schedule, warmup=case.warmup),
            seed=seed,
        )
        batches = made.batches(made.learning, rows=case.rows, seed=seed)
        self.run = Run(self.model, Said(case.smoothing), batches, settings, folder, Alone())

    def advance(self) -> None:
        self.run.advance()

    def cost(self, batch: Batch) -> tuple[float, int]:
        self.model.eval()
        with torch.no_grad():
            value, count = Said(0.0).loss(self.model, batch).terms["tokens"]
        return float(value), count

    def say(self, sources: Sequence[Sequence[int]], *, beams: int) -> list[str]:
        self.model.eval()
        made = self.made
        manner = Manner(start=made.pad, ends=frozenset({made.end}), never=frozenset({made.pad}))
        return [each[0].text for each in translate(self.model, sources, Search(beams=beams), manner, made.tokenizer)]

    def save(self, folder: Path) -> None:
        made, family = self.made, marian.NAME if isinstance(self.spec, Seq2SeqSpec) else rnn.NAME
        ends, never = frozenset({made.end}), frozenset({made.pad})
        save_seq2seq(
            LoadedSeq2Seq(
                family,
                self.spec,
                self.model,
                made.tokenizer,
                made.tokenizer,
                start=made.pad,
                ends=ends,
                pad=made.pad,
                never=never,
            ),
            folder,
        )


class Peer:
    """transformers' MarianMTModel in a plain loop: the same sizes, pairs, batches, rates, dropout and smoothing."""

    def __init__(self, case: Case, made: Material, seed: int, folder: Path) -> None:
        from transformers import MarianConfig, MarianMTModel

        torch.manual_seed(seed)
        self.case, self.made, self.step = case, made, 0
        sides = ("encoder", "decoder")
        self.model: Any = MarianMTModel(
            MarianConfig(
                vocab_size=made.tokenizer.size,
                d_model=case.width,
                **{f"{side}_layers": case.depth for side in sides},
                **{f"{side}_attention_heads": case.heads for side in sides},
                **{f"{side}_ffn_dim": case.hidden for side in sides},
                activation_function="relu",
                max_position_embeddings=made.length,
                scale_embedding=True,
                dropout=case.dropout,
                attention_dropout=0.0,
                pad_token_id=made.pad,
                eos_token_id=made.end,
                decoder_start_token_id=made.pad,
                forced_eos_token_id=None,
            )
        )
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=case.rate, betas=(0.9, case.beta2), weight_decay=0.0
        )
        self.schedule = Schedule(case.schedule, warmup=case.warmup)
        self.batches = made.batches(made.learning, rows=case.rows, seed=seed)

    def scores(self, batch: Batch) -> torch.Tensor:
        assert batch.memory is not None
        assert batch.memory_lengths is not None
        found: torch.Tensor = self.model(
            input_ids=batch.memory,
            attention_mask=(torch.arange(batch.memory.shape[1]) < batch.memory_lengths[:, None]).long(),
            decoder_input_ids=batch.tokens,
            use_cache=False,
        ).logits
        return found

    def advance(self) -> None:
        self.model.train()
        batch = self.batches.batch(self.step, range(self.batches.rows))
        cost = torch.nn.functional.cross_entropy(
            self.scores(batch).flatten(0, 1),
            batch.targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.case.smoothing,
        )
        self.optimizer.zero_grad()
        cost.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.case.rate * self.schedule.share(self.step, FOREVER)
        self.optimizer.step()
        self.step += 1

    def cost(self, batch: Batch) -> tuple[float, int]:
        self.model.eval()
        with torch.no_grad():
            found = self.scores(batch).flatten(0, 1)
            value = torch.nn.functional.cross_entropy(
                found, batch.targets.flatten(), ignore_index=IGNORED, reduction="sum"
            )
        return float(value), batch.asked

    def say(self, sources: Sequence[Sequence[int]], *, beams: int) -> list[str]:
        self.model.eval()
        order = sorted(range(len(sources)), key=lambda at: len(sources[at]))
        said = [""] * len(order)
        for begin in range(0, len(order), TOGETHER):
            here = order[begin : begin + TOGETHER]
            width = max(len(sources[at]) for at in here)
            tokens = torch.tensor([[*sources[at], *[self.made.pad] * (width - len(sources[at]))] for at in here])
            found = self.model.generate(
                tokens,
                attention_mask=(tokens != self.made.pad).long(),
                num_beams=beams,
                do_sample=False,
                max_length=self.made.length,
                bad_words_ids=[[self.made.pad]],
            )
            for at, row in zip(here, found.tolist(), strict=True):
                said[at] = self.made.tokenizer.decode(row)
        return said

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)


def spec(case: Case, made: Material) -> Any:
    vocab, context = made.tokenizer.size, made.length
    if case.attention:
        return rnn.rnn(rnn.RNNSize(case.width, case.depth, vocab, context, attention=case.attention))
    side = StackSize(case.depth, case.heads, case.hidden)
    return original(OriginalSize(case.width, side, side, vocab=vocab, context=context))


def judged(learner: Learner, made: Material, *, beams: int) -> dict[str, Any]:
    """BLEU and chrF of the test pairs."""
    said = learner.say(made.test, beams=beams)
    found = scores(said, made.references, language=made.language)
    return {"bleu": found.bleu, "chrf": found.chrf, "said": said, "signature": found.signature}


def held_loss(learner: Learner, batches: PairBatches) -> float:
    costs = [learner.cost(batches.batch(step, range(batches.rows))) for step in range(batches.steps)]
    return sum(cost for cost, _ in costs) / sum(count for _, count in costs)


def follow(learner: Learner, made: Material, folder: Path, *, seconds: float, every: int) -> None:
    """Learn until the time is over; look every so many steps, and at the end."""
    held = made.batches(made.held, rows=32, seed=0)
    spent, steps = 0.0, 0
    with (folder / CURVE).open("w") as stream:
        while spent < seconds:
            began = time.process_time()
            learner.advance()
            spent += time.process_time() - began
            steps += 1
            if steps % every == 0 or spent >= seconds:
                found = judged(learner, made, beams=1)
                line = {"seconds": spent, "steps": steps, "loss": held_loss(learner, held)}
                line |= {name: found[name] for name in ("bleu", "chrf")}
                print(json.dumps(line), file=stream, flush=True)
                print(folder.name, line, file=sys.stderr, flush=True)


def changed(case: Case, assignments: Sequence[str]) -> Case:
    kinds = {name: type(value) for name, value in vars(case).items()}
    told = [text.split("=") for text in assignments]
    return replace(case, **{name: kinds[name](value) for name, value in told})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=CASES)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--set", dest="changes", action="append", default=[])
    told = parser.parse_args()
    torch.set_num_threads(1)
    told.folder.mkdir(parents=True, exist_ok=True)
    case = changed(CASES[told.system], told.changes)
    made = material(told.set, told.folder.parent)
    learner: Any = (Peer if told.system == "peer" else Ours)(case, made, told.seed, told.folder)
    follow(learner, made, told.folder, seconds=60 * told.minutes, every=told.every)
    learner.save(told.folder / "model")
    found = judged(learner, made, beams=4)
    found["parameters"] = sum(each.numel() for each in learner.model.parameters())
    found["case"] = vars(case)
    (folder := told.folder / "report.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))
    print(folder, {name: found[name] for name in ("bleu", "chrf", "parameters")}, file=sys.stderr)


if __name__ == "__main__":
    main()
