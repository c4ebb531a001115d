"""Run two programs in turn, ours and a peer's, each in a fresh process; report the ratio pair by pair.

A pair is measured back to back, so that a machine whose speed drifts slows both; the median of the pairs' ratios is
the figure, and their range says how far to trust it.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = (
    *("date", "commit", "machine", "threads", "task", "model", "dtype"),
    *("ours", "peer", "peer_version", "peer_value", "ratio", "command"),
)


@dataclass(frozen=True)
class Figure:
    """One task's result over all pairs. A ratio above 1 means that ours is better."""

    task: str
    ours: float
    peer: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> str:
        return f"{min(self.ratios):.2f}-{max(self.ratios):.2f}"


def measure(command: Sequence[str]) -> dict[str, float]:
    """Run one side; it prints one JSON object of figures last, and reads its own start from UNMASK_BENCH_START."""
    environment = os.environ | {"UNMASK_BENCH_START": repr(time.time())}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def since_start() -> float:
    """Seconds since the parent started this process: interpreter, imports and all."""
    return time.time() - float(os.environ["UNMASK_BENCH_START"])


def compare(
    ours: Sequence[str], peer: Sequence[str], *, rounds: int, larger_is_better: Mapping[str, bool]
) -> list[Figure]:
    """Measure both sides `rounds` times, alternating which goes first."""
    pairs: list[tuple[dict[str, float], dict[str, float]]] = []
    for number in range(rounds):
        if number % 2:
            theirs = measure(peer)
            mine = measure(ours)
        else:
            mine = measure(ours)
            theirs = measure(peer)
        pairs.append((mine, theirs))
        print(f"round {number + 1} of {rounds}: ours {mine}, peer {theirs}", file=sys.stderr)
    return [figure(task, pairs, larger) for task, larger in larger_is_better.items()]


def figure(task: str, pairs: Sequence[tuple[dict[str, float], dict[str, float]]], larger: bool) -> Figure:
    ratios = tuple(mine[task] / theirs[task] if larger else theirs[task] / mine[task] for mine, theirs in pairs)
    return Figure(
        task=task,
        ours=statistics.median(mine[task] for mine, _ in pairs),
        peer=statistics.median(theirs[task] for _, theirs in pairs),
        ratios=ratios,
    )


def record(
    figures: Sequence[Figure], *, model: str, dtype: str, peer: str, version: str, command: str, threads: int
) -> None:
    """Print the figures and append a row for each to results/speed.tsv."""
    path = ROOT / "results" / "speed.tsv"
    path.parent.mkdir(exist_ok=True)
    fresh = not path.exists()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    with path.open("a", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        if fresh:
            rows.writerow(COLUMNS)
        about = [date.today(), commit.stdout.strip(), machine(), threads]
        for each in figures:
            ratio = f"{each.ratio:.2f} ({each.spread})"
            print(f"{each.task:24} ours {each.ours:10.3f}  {peer} {each.peer:10.3f}  ratio {ratio}")
            values = [f"{each.ours:.3f}", peer, version, f"{each.peer:.3f}", ratio, command]
            rows.writerow([*about, each.task, model, dtype, *values])


def machine() -> str:
    """The processor by its public name."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()
