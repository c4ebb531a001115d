"""Translation: ours against transformers and CTranslate2, on the same random weights of a published Marian's shape.

    python bench/translate.py [--rounds 7] [--ctranslate2 PYTHON] [--only float32 bfloat16 int8] [--quick]

32 sentences of 25 tokens, 30 tokens written of each, beam 4, as one batch. Both sides stay loaded, each in a process of
its own, and take turns batch by batch, so that one works while the other sleeps. transformers needs the extra `bench`;
CTranslate2 is left out unless given a Python with `pip install ctranslate2 transformers torch`.

`--quick` is a look, and leaves no rows in results/.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, figure, record

TASK = "translate_beam4_sentences_s"
REST = 0.1
"""Seconds before a side's turn, for the threads of the other to stop waiting for work and go to sleep."""
PAIRINGS = (
    ("float32", "transformers"),
    ("float32", "ctranslate2"),
    ("bfloat16", "transformers"),
    ("int8", "ctranslate2"),
)


def written() -> Path:
    """The model as transformers reads it, in float32; written once."""
    import torch
    from torch import nn

    from unmask.base.files import home
    from unmask.families import marian
    from unmask.families.scales import Scale, scaled_original
    from unmask.families.seq2seq import LoadedSeq2Seq, save_seq2seq

    folder, end, pad = home() / "bench" / "marian-random", 0, 31999
    if not (folder / "model.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        spec = scaled_original(Scale(width=512, depth=6, heads=8), 32000, 512)
        torch.manual_seed(0)
        model = spec.build().eval()
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=512**-0.5)
        assert isinstance(model.head, nn.Linear)
        with torch.no_grad():
            model.head.bias[[end, pad]] = -1e4  # so that no sentence ends before the others
        save_seq2seq(LoadedSeq2Seq(marian.NAME, spec, model, None, None, pad, frozenset({end}), pad), folder)
    return folder


class Worker:
    """One side, alive and asleep until it is asked."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.version: str = self.read()

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")
        return json.loads(line)

    def turn(self, seed: int) -> tuple[float, list[list[int]]]:
        """Sentences a second, and what was written."""
        assert self.process.stdin is not None
        time.sleep(REST)
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        rate, rows = self.read()
        return rate, rows


def compare(dtype: str, peer: str, python: str, *, rounds: int, quick: bool, command: str) -> None:
    folder = str(written())
    mine = Worker([sys.executable, "bench/translate_sides.py", "ours", folder, dtype])
    other = Worker([python, "bench/translate_sides.py", peer, folder, dtype])
    pairs, same, count = [], 0, 0
    for number in range(rounds):
        found: dict[Worker, tuple[float, list[list[int]]]] = {}
        for side in (mine, other) if number % 2 else (other, mine):
            found[side] = side.turn(number)
        pairs.append(({TASK: found[mine][0]}, {TASK: found[other][0]}))
        same += sum(a == b for a, b in zip(found[mine][1], found[other][1], strict=True))
        count += len(found[mine][1])
        rates = f"ours {found[mine][0]:.2f}, {peer} {found[other][0]:.2f}"
        print(f"{dtype} round {number + 1} of {rounds}: {rates}, {same} of {count} translations alike", file=sys.stderr)
    for side in (mine, other):
        side.process.communicate()
    result = figure(TASK, pairs, larger=True)
    if quick:
        print(f"{dtype}: ours {result.ours:.2f}, {peer} {result.peer:.2f}, {result.ratio:.2f} ({result.spread})")
        return
    about = {"model": "marian 6+6 512", "dtype": dtype, "peer": peer, "version": other.version, "command": command}
    record([result], **about, threads=len(os.sched_getaffinity(0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ctranslate2", metavar="PYTHON", help="a Python that has ctranslate2")
    parser.add_argument("--only", nargs="+", choices=["float32", "bfloat16", "int8"], metavar="DTYPE")
    parser.add_argument("--quick", action="store_true", help="three rounds, nothing recorded")
    arguments = parser.parse_args()
    rounds = 3 if arguments.quick else arguments.rounds
    pythons = {"transformers": sys.executable, "ctranslate2": arguments.ctranslate2}
    for dtype, peer in PAIRINGS:
        if pythons[peer] is None:
            print(f"{peer} is left out, see --help", file=sys.stderr)
        elif arguments.only is None or dtype in arguments.only:
            given = " --ctranslate2 PYTHON" if peer == "ctranslate2" else ""
            command = f"python bench/translate.py --rounds {rounds} --only {dtype}{given}"
            compare(dtype, peer, pythons[peer], rounds=rounds, quick=arguments.quick, command=command)


if __name__ == "__main__":
    main()
