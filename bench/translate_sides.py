"""One side of bench/translate.py: a tool and a model in a process of its own, asleep until it is asked for a batch.

    python bench/translate_sides.py TOOL FOLDER DTYPE

The first line out is the tool's version. Then a line in is the seed of a batch, and the line out is [sentences a
second, the ids of each one's best translation]. Needs the tool alone, so a peer can have a Python of its own.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

SENTENCES, READ, WRITTEN, BEAMS = 32, 25, 30, 4
END, PAD, VOCAB = 0, 31999, 32000
Rows = list[list[int]]


@dataclass(frozen=True)
class Side:
    """A loaded model."""

    version: str
    translate: Callable[[Rows], Rows]


def sentences(seed: int) -> Rows:
    drawn = random.Random(seed)
    return [[drawn.randrange(2, PAD) for _ in range(READ - 1)] + [END] for _ in range(SENTENCES)]


def ours(folder: str, dtype: str, threads: int) -> Side:
    import torch

    import unmask
    from unmask.families.seq2seq import load_seq2seq
    from unmask.generation.rendering import Rendering
    from unmask.generation.search import Rules, Search, beam_search

    torch.set_num_threads(threads)
    quantize, held = ("int8", None) if dtype == "int8" else (None, getattr(torch, dtype))
    loaded = load_seq2seq(Path(folder), dtype=held, device=torch.device("cpu"), quantize=quantize)
    rules = Rules(WRITTEN, frozenset({END}), VOCAB, never=(PAD,))

    def translate(rows: Rows) -> Rows:
        begun = torch.full((len(rows), 1), PAD)
        found = beam_search(Rendering(loaded.model, rows, room=WRITTEN, beams=BEAMS), begun, Search(BEAMS), rules)
        return [list(paths[0].tokens) for paths in found]

    return Side(unmask.__version__, translate)


def transformers(folder: str, dtype: str, threads: int) -> Side:
    import torch
    import transformers

    torch.set_num_threads(threads)
    model = transformers.MarianMTModel.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    settings = {"num_beams": BEAMS, "max_new_tokens": WRITTEN, "do_sample": False, "early_stopping": False}

    def translate(rows: Rows) -> Rows:
        tokens = torch.tensor(rows)
        with torch.inference_mode():
            found = model.generate(tokens, attention_mask=torch.ones_like(tokens), **settings)
        return [row[1:] for row in found.tolist()]

    return Side(transformers.__version__, translate)


class Words:
    """What its converter asks of a tokenizer."""

    eos_token, unk_token = "</s>", "<unk>"

    def get_vocab(self) -> dict[str, int]:
        return {"</s>": END, "<unk>": 1, "<pad>": PAD} | {f"w{number}": number for number in range(2, PAD)}


def ctranslate2(folder: str, dtype: str, threads: int) -> Side:
    import ctranslate2
    import torch
    import transformers
    from ctranslate2.converters.transformers import MarianMTLoader

    made = Path(folder).with_name("marian-random-ctranslate2")
    if not (made / "model.bin").exists():
        model = transformers.MarianMTModel.from_pretrained(folder)
        with torch.no_grad():
            spec = MarianMTLoader()(model, Words())
            spec.validate()
            spec.optimize()
        made.mkdir(exist_ok=True)
        spec.save(str(made))
    translator = ctranslate2.Translator(str(made), compute_type=dtype, inter_threads=1, intra_threads=threads)
    words = {token: word for word, token in Words().get_vocab().items()}

    def translate(rows: Rows) -> Rows:
        texts = [[words[token] for token in row] for row in rows]
        found = translator.translate_batch(texts, beam_size=BEAMS, max_decoding_length=WRITTEN)
        return [[END if word == "</s>" else int(word[1:]) for word in each.hypotheses[0]] for each in found]

    return Side(ctranslate2.__version__, translate)


def main() -> None:
    logging.disable()
    tool, folder, dtype = sys.argv[1:]
    threads = len(os.sched_getaffinity(0))
    side = {"ours": ours, "transformers": transformers, "ctranslate2": ctranslate2}[tool](folder, dtype, threads)
    side.translate(sentences(-1))
    print(json.dumps(side.version), flush=True)
    for line in sys.stdin:
        rows = sentences(int(line))
        began = time.perf_counter()
        found = side.translate(rows)
        print(json.dumps([SENTENCES / (time.perf_counter() - began), found]), flush=True)


if __name__ == "__main__":
    main()
