"""One side of bench/train.py: a loop and a model in a process of its own, which waits between steps for its turn.

    python bench/train_sides.py SIDE CASE DTYPE

The first line out is the side's version, said when its first steps are done. Then each line in is a number of steps to
make, and the line out [seconds, peak of its memory in MB]. Every loop is its library's own: only the data is ours, and
whoever watches the steps waits in them for his turn.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch import Tensor

import unmask
from bench.generate import peak_memory
from unmask.data.batch import IGNORED, Batch

WARM = 3
"""Steps that are not measured: memory is taken, kernels are chosen, a compiler runs."""
FOREVER = 1 << 20
RATE = 3e-4
MASK = 4
"""The token that hides another; none of those that are drawn."""


@dataclass(frozen=True)
class Case:
    """A model and the rows of a step; `source` is the length of what an encoder reads for a decoder."""

    kind: str
    width: int
    depth: int
    heads: int
    vocab: int
    rows: int
    length: int
    source: int = 0

    @property
    def tokens(self) -> int:
        """That a step reads."""
        return self.rows * (self.length + self.source)


CASES = {
    "gpt 6x384, 16x256": Case("gpt", 384, 6, 6, 8192, 16, 256),
    "gpt2 124M, 4x512": Case("gpt", 768, 12, 12, 50257, 4, 512),
    "bert 6x384, 16x256": Case("bert", 384, 6, 6, 8192, 16, 256),
    "seq2seq 3+3x384, 32x64+64": Case("seq2seq", 384, 3, 6, 8192, 32, 64, 64),
    "glm 6x384, 16x256": Case("glm", 384, 6, 6, 8192, 16, 256),
    "tiny gpt": Case("gpt", 32, 2, 2, 128, 4, 16),
    "tiny bert": Case("bert", 32, 2, 2, 128, 4, 16),
    "tiny seq2seq": Case("seq2seq", 32, 2, 2, 128, 4, 16, 16),
    "tiny glm": Case("glm", 32, 2, 2, 128, 4, 16),
}


class Turns:
    """Called after each step: measures those it was asked for, then waits to be asked again."""

    def __init__(self, out: Any, version: str) -> None:
        self.out, self.version = out, version
        self.left, self.began = WARM, time.perf_counter()
        self.warm = False

    def __call__(self) -> None:
        self.left -= 1
        if self.left:
            return
        took = time.perf_counter() - self.began
        print(json.dumps([took, peak_memory()] if self.warm else self.version), file=self.out)
        self.warm = True
        line = sys.stdin.readline()
        if not line:
            self.out.flush()
            os._exit(0)  # a loop of someone else's, which is not asked to end
        self.left, self.began = int(line), time.perf_counter()


def drawn(case: Case, step: int) -> Tensor:
    """The ids of a step: [rows, length + 1 + source]."""
    generator = torch.Generator().manual_seed(step)
    return torch.randint(10, case.vocab, (case.rows, case.length + 1 + case.source), generator=generator)


def chosen(case: Case, step: int) -> Tensor:
    """Which places of a masked row are asked: 15 %, as many in each row; bool [rows, length]."""
    order = torch.rand(case.rows, case.length, generator=torch.Generator().manual_seed(step)).argsort(1)
    return order < round(0.15 * case.length)


class Drawn:
    """The same ids as our Batches."""

    fingerprint = "drawn"

    def __init__(self, case: Case) -> None:
        self.case, self.rows = case, case.rows

    def batch(self, step: int, rows: range) -> Batch:
        case, ids = self.case, drawn(self.case, step)
        tokens, following = ids[:, : case.length], ids[:, 1 : case.length + 1]
        if case.kind == "gpt":
            made = Batch(tokens=tokens, targets=following)
        elif case.kind == "bert":
            asked = chosen(case, step)
            made = Batch(
                tokens=tokens.where(~asked, MASK),
                targets=tokens.where(asked, IGNORED),
                segments=(torch.arange(case.length) * 2 // case.length).expand(case.rows, -1),
                pairs=torch.arange(case.rows) % 2,
            )
        elif case.kind == "glm":
            made = with_blanks(case, tokens, following)
        else:
            made = Batch(tokens=tokens, targets=following, memory=ids[:, case.length + 1 :])
        return made.rows(rows.start, rows.stop)


def with_blanks(case: Case, tokens: Tensor, following: Tensor) -> Batch:
    """GLM's rows: behind a prefix, blanks of 3 tokens and what begins each, 15 % of the text in all."""
    blanks = round(0.15 * case.length / (1 + 0.15 * 2 / 3) / 3)
    prefix = case.length - 4 * blanks
    places = torch.arange(case.length)
    behind = places - prefix
    hole = (behind // 4 * (prefix // blanks)).clamp(min=0)
    positions = torch.stack((places.where(behind < 0, hole), (behind % 4 + 1).where(behind >= 0, 0)))
    return Batch(
        tokens=tokens,
        targets=following.where(behind >= 0, IGNORED),
        positions=positions.expand(case.rows, -1, -1),
        prefixes=torch.full((case.rows,), prefix),
    )


def ours(case: Case, bfloat16: bool, turns: Turns, *, compiled: bool = False) -> None:
    from unmask.core.initial import initialize
    from unmask.families.scales import MAKERS, Scale, scaled_original
    from unmask.training.hooks import Hook, StepRecord
    from unmask.training.loop import train
    from unmask.training.objectives import Blanks, Causal, Masked, Objective, Sequence
    from unmask.training.run import Run
    from unmask.training.settings import AdamW, TrainSettings

    class Told(Hook):
        def step(self, run: Run, record: StepRecord) -> None:
            turns()

    scale = Scale(case.width, case.depth, case.heads)
    spec: Any
    if case.kind == "seq2seq":
        spec = scaled_original(scale, case.vocab, max(case.length, case.source))
    else:
        spec = MAKERS["gpt2" if case.kind == "gpt" else case.kind](scale, case.vocab, case.length)
    objectives: dict[str, Objective] = {
        "gpt": Causal(),
        "bert": Masked(),
        "glm": Blanks(),
        "seq2seq": Sequence(smoothing=0.0),
    }
    model = spec.build()
    initialize(model, seed=0, scheme="gpt2")
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    settings = TrainSettings(
        steps=FOREVER,
        optimizer=AdamW(rate=RATE),
        dtype="bfloat16" if bfloat16 else "float32",
        save_every=0,
        evaluate_every=0,
        log_every=0,
        compile=compiled,
    )
    with TemporaryDirectory() as folder:
        train(model, objectives[case.kind], Drawn(case), settings, Path(folder), hooks=[Told()])


def plain(case: Case, bfloat16: bool, turns: Turns, *, compiled: bool = False) -> None:
    from bench.plain_gpt import GPT, learn

    assert case.kind == "gpt", "the plain loop has no other model"
    model: Any = GPT(width=case.width, depth=case.depth, heads=case.heads, vocab=case.vocab, context=case.length)
    if compiled:
        model = torch.compile(model)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        ids = drawn(case, step)
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()

    learn(model, batch, steps=FOREVER, bfloat16=bfloat16, told=turns)


def hugging_face(case: Case, bfloat16: bool, turns: Turns) -> None:
    import transformers

    class Told(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns()

    with TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=case.rows,
            max_steps=FOREVER,
            learning_rate=RATE,
            weight_decay=0.1,
            bf16=bfloat16,
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        rows = Rows(case)
        transformers.Trainer(their_model(case), arguments, train_dataset=rows, callbacks=[Told()]).train()


def their_model(case: Case) -> Any:
    """transformers' model of a case, nothing dropped out."""
    import transformers

    sizes = {"vocab_size": case.vocab, "hidden_size": case.width, "num_hidden_layers": case.depth}
    if case.kind == "gpt":
        quiet = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return transformers.GPT2LMHeadModel(
            transformers.GPT2Config(
                vocab_size=case.vocab,
                n_embd=case.width,
                n_layer=case.depth,
                n_head=case.heads,
                n_positions=case.length,
                use_cache=False,
                bos_token_id=0,
                eos_token_id=0,
                **quiet,
            )
        )
    if case.kind == "bert":
        quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        shape = {"num_attention_heads": case.heads, "intermediate_size": 4 * case.width}
        config = transformers.BertConfig(**sizes, **shape, max_position_embeddings=case.length, **quiet)
        return transformers.BertForPreTraining(config)
    assert case.kind == "seq2seq", "transformers has no blank infilling"
    return transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=case.vocab,
            d_model=case.width,
            encoder_layers=case.depth,
            decoder_layers=case.depth,
            encoder_attention_heads=case.heads,
            decoder_attention_heads=case.heads,
            encoder_ffn_dim=4 * case.width,
            decoder_ffn_dim=4 * case.width,
            max_position_embeddings=max(case.length, case.source),
            dropout=0.0,
            use_cache=False,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
            forced_eos_token_id=None,
        )
    )


class Rows:
    """The same rows as examples, one by one, under the names that transformers' models take."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def __len__(self) -> int:
        return FOREVER

    def __getitem__(self, index: int) -> Mapping[str, Tensor]:
        # One row a draw: the others of its step are drawn by their own examples.
        case = self.case
        one = Case(case.kind, case.width, case.depth, case.heads, case.vocab, 1, case.length, case.source)
        ids = drawn(one, index)[0]
        if case.kind == "gpt":
            return {"input_ids": ids[:-1], "labels": ids[:-1]}  # it shifts them itself
        if case.kind == "bert":
            asked, tokens = chosen(one, index)[0], ids[:-1]
            half = torch.arange(case.length) * 2 // case.length
            return {
                "input_ids": tokens.where(~asked, MASK),
                "token_type_ids": half,
                "labels": tokens.where(asked, IGNORED),
                "next_sentence_label": torch.tensor(index % 2),
            }
        source, target = ids[: case.source], ids[case.source : -1]
        return {"input_ids": source, "labels": target}


SIDES: dict[str, Callable[[Case, bool, Turns], None]] = {
    "ours": ours,
    "ours compiled": lambda case, bfloat16, turns: ours(case, bfloat16, turns, compiled=True),
    "plain": plain,
    "plain compiled": lambda case, bfloat16, turns: plain(case, bfloat16, turns, compiled=True),
    "transformers": hugging_face,
}


def main() -> None:
    name, case, dtype = sys.argv[1:]
    # What a library prints must not be read as an answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    library = "transformers" if name == "transformers" else "torch"
    told = unmask.__version__ if name.startswith("ours") else version(library)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    SIDES[name](CASES[case], dtype == "bfloat16", Turns(out, told))


if __name__ == "__main__":
    main()
