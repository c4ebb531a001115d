"""Training against a plain loop (nanoGPT's way), the same compiled, and transformers' Trainer: tokens/s, peak memory.

    python bench/train.py [--cases "gpt2 124M, 4x512" ...] [--dtypes bfloat16] [--steps 4] [--rounds 5]

Every side is a process of its own that stays; they take turns of some steps while the others wait, so that a machine
whose speed drifts slows all alike. A row's ratio is the median over rounds. GLM is held against our own causal model of
the same size. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, figure, record
from bench.train_sides import CASES

PAIRS = {
    "gpt": [
        ("ours", "plain"),
        ("ours", "plain compiled"),
        ("ours compiled", "plain compiled"),
        ("ours", "transformers"),
    ],
    "bert": [("ours", "transformers")],
    "seq2seq": [("ours", "transformers")],
    "glm": [("ours", "ours")],
}
Pair = tuple[str, str]
"""A side of ours, and the one that it is held against."""
SPEED, MEMORY = "train_tok_s", "train_peak_memory_mb"


class Side:
    """A loop that waits for its turn."""

    def __init__(self, name: str, case: str, dtype: str) -> None:
        self.tokens = CASES[case].tokens
        command = [sys.executable, str(ROOT / "bench" / "train_sides.py"), name, case, dtype]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.version = str(self.answer())

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A side ended with code {self.process.wait()}; what it said is above.")
        return json.loads(line)

    def turn(self, steps: int) -> dict[str, float]:
        """Let it make some steps."""
        assert self.process.stdin is not None
        print(steps, file=self.process.stdin, flush=True)
        seconds, peak = self.answer()
        return {SPEED: steps * self.tokens / seconds, MEMORY: peak}

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(case: str, dtype: str, pairs: Sequence[Pair], steps: int, rounds: int, command: str) -> None:
    """Measure one case in one number format, and record a row for each pair and figure."""
    mine = {name: Side(name, case, dtype) for name in dict.fromkeys(name for name, _ in pairs)}
    theirs = {name: Side(name, other_case(case, name), dtype) for name in dict.fromkeys(name for _, name in pairs)}
    turns: dict[Pair, list[tuple[dict[str, float], dict[str, float]]]] = {pair: [] for pair in pairs}
    for number in range(rounds):
        for pair in pairs:
            name, peer = pair
            if number % 2:
                found = theirs[peer].turn(steps)
                own = mine[name].turn(steps)
            else:
                own = mine[name].turn(steps)
                found = theirs[peer].turn(steps)
            turns[pair].append((own, found))
            print(f"{case}, {dtype}, round {number + 1}: {name} {own}, {peer} {found}", file=sys.stderr)
    for side in (*mine.values(), *theirs.values()):
        side.end()
    for (name, peer), each in turns.items():
        figures = [figure(SPEED, each, larger=True), figure(MEMORY, each, larger=False)]
        if case.startswith("tiny"):  # it shows that a side works, and says nothing of its speed
            print(case, name, peer, figures)
            continue
        record(
            figures,
            model=case if name == "ours" else f"{case}, compiled",
            dtype=dtype,
            peer=peer if peer != "ours" else other_case(case, peer),
            version=theirs[peer].version,
            command=command,
            threads=len(os.sched_getaffinity(0)),
        )


def other_case(case: str, peer: str) -> str:
    """What the peer learns: the same, but that GLM's peer is our causal model."""
    return case.replace("glm", "gpt") if peer == "ours" else case


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--cases", nargs="+", choices=list(CASES), default=[each for each in CASES if "tiny" not in each]
    )
    parser.add_argument("--dtypes", nargs="+", choices=["float32", "bfloat16"], default=["bfloat16", "float32"])
    parser.add_argument("--peers", nargs="+", help="only these")
    parser.add_argument("--steps", type=int, default=4, help="of a turn")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for case in arguments.cases:
        for dtype in arguments.dtypes:
            pairs = [pair for pair in PAIRS[CASES[case].kind] if not arguments.peers or pair[1] in arguments.peers]
            command = f"python bench/train.py --steps {arguments.steps} --rounds {arguments.rounds}"
            compare(case, dtype, pairs, arguments.steps, arguments.rounds, command)


if __name__ == "__main__":
    main()
