"""Quantized models, one stream: ours against llama.cpp, openvino-genai and transformers, at the same bits.

    python bench/decode.py [--rounds 5] [--llama-cpp PYTHON] [--openvino-genai PYTHON] [--formats q4_1 ...] [--quick]

Speed of reading a prompt and of writing after it: both sides stay loaded, each in a process of its own, and take turns
answer by answer, so that one works while the other sleeps. Start and peak memory: fresh processes in turn, ours being
`unmask generate`. transformers needs the extra `bench`. The other two are left out unless given a Python that has them:
one after `pip install openvino-genai`, one with llama.cpp built for this processor, but for its AMX code, which gcc 12
breaks:

    export CFLAGS="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
    CXXFLAGS=$CFLAGS CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama-cpp-python llama-cpp-python

`--quick` is a look at writing only, and leaves no rows in results/.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, Figure, figure, record

MODEL = "smollm2:135m"
TURNS = ((128, 128), (512, 0), (2048, 128))
"""Tokens read, and tokens written after the first."""
STARTS = 3
REST = 0.1
"""Seconds before a side's turn, for the threads of the other to stop waiting for work and go to sleep."""
Pairs = list[tuple[dict[str, float], dict[str, float]]]


@dataclass(frozen=True)
class Format:
    """A number format: how ours comes by it, and the file with the same bits for a peer."""

    file: str
    quantize: str
    peer: str


FORMATS = {
    "q4_1": Format("q4_1", "stored", "q4_1"),
    "q4_0": Format("q4_0", "stored", "q4_0"),
    "q8_0": Format("q8_0", "stored", "q8_0"),
    "int8": Format("q4_1", "int8", "q8_0"),
    "int4-64": Format("q4_1", "int4-64", "q4_0"),
}


def files() -> dict[str, Path]:
    """The model in each peer's format; written once by `unmask convert`, but for the file that is shipped."""
    from unmask.base.files import home
    from unmask.checkpoints.hub import locate

    written = {
        "q4_0": ("smollm2-135m-q4_0.gguf", "--type", "q4_0"),
        "q8_0": ("smollm2-135m-q8_0.gguf", "--type", "q8_0"),
        "bfloat16": ("smollm2-135m-bfloat16", "--dtype", "bfloat16"),
    }
    found = {"q4_1": locate(MODEL)}
    for name, (file, *options) in written.items():
        found[name] = home() / "bench" / file
        if not found[name].exists():
            convert = [sys.executable, "-m", "unmask", "convert", MODEL, str(found[name]), *options]
            subprocess.run(convert, check=True, cwd=ROOT)
    return found


def beside(file: Path) -> Path:
    """A folder that has `file` alone: openvino-genai writes there what it makes of it, and from then on loads that."""
    from unmask.base.files import home

    link = home() / "bench" / f"{file.stem}-openvino" / file.name
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    return link.parent


class Worker:
    """One side, alive and asleep until it is asked."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.version: str = json.loads(self.read())

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")
        return line

    def rates(self, token: int, context: int, count: int) -> dict[str, float]:
        """Tokens a second, of reading and of writing."""
        assert self.process.stdin is not None
        time.sleep(REST)
        self.process.stdin.write(json.dumps([token, context, count]) + "\n")
        self.process.stdin.flush()
        first, others = json.loads(self.read())
        writing = {f"decode_at_{context}_tok_s": count / others} if count else {}
        return {f"prefill_{context}_tok_s": context / first} | writing


def speed(mine: Worker, peer: Worker, turns: Sequence[tuple[int, int]], rounds: int) -> list[Figure]:
    """Every answer by both sides, each time the other one first."""
    pairs: Pairs = []
    for number in range(rounds):
        found: dict[Worker, dict[str, float]] = {mine: {}, peer: {}}
        for context, count in turns:
            for side in (mine, peer) if number % 2 else (peer, mine):
                found[side] |= side.rates(100 + number, context, count)
        pairs.append((found[mine], found[peer]))
        rounded = [{task: round(rate, 1) for task, rate in each.items()} for each in pairs[-1]]
        print(f"round {number + 1} of {rounds}: ours {rounded[0]}, peer {rounded[1]}", file=sys.stderr)
    return [figure(task, pairs, larger=True) for task in pairs[0][0]]


def fresh(command: Sequence[str]) -> dict[str, float]:
    """Seconds from the start of a process to its first token, and the most memory it held, in MB of 10^6 bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.read(1)
    start = time.perf_counter() - began
    process.stdout.read()
    process.stdout.close()
    # The system counts from what its parent held: little here, for no library is imported by this program.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command!r} ended with {process.returncode}")
    return {"start_to_first_token_s": start, "peak_memory_mb": usage.ru_maxrss * 1024 / 1e6}


def starts(mine: Sequence[str], peer: Sequence[str], rounds: int) -> list[Figure]:
    pairs: Pairs = []
    for _ in range(rounds):
        pairs.append((fresh(mine), fresh(peer)))
        print(f"start: ours {pairs[-1][0]}, peer {pairs[-1][1]}", file=sys.stderr)
    return [figure(task, pairs, larger=False) for task in pairs[0][0]]


def compare(name: str, peer_name: str, python: str, *, rounds: int, quick: bool, command: str) -> None:
    """One format against one peer."""
    chosen, paths = FORMATS[name], files()
    file, quantize = str(paths[chosen.file]), chosen.quantize
    held = "bfloat16" if peer_name == "transformers" else chosen.peer
    theirs = beside(paths[held]) if peer_name == "openvino-genai" else paths[held]
    sides = [
        [sys.executable, "bench/sides.py", "ours", file, quantize],
        [python, "bench/sides.py", peer_name, str(theirs), "stored"],
    ]
    program = [sys.executable, "-m", "unmask", "generate", "Once upon a time", "-m", file, "--quantize", quantize]
    workers = [Worker(each) for each in sides]
    figures = speed(workers[0], workers[1], TURNS[:1] if quick else TURNS, rounds)
    for worker in workers:
        worker.process.communicate()
    if quick:
        for each in figures:
            print(f"{name} {each.task}: ours {each.ours:.1f}, {peer_name} {each.peer:.1f}, {each.ratio:.2f}")
        return
    record(
        figures + starts([*program, "--limit", "128"], sides[1], min(rounds, STARTS)),
        model=MODEL,
        dtype=f"{name} against {held}",
        peer=peer_name,
        version=workers[1].version,
        command=command,
        threads=len(os.sched_getaffinity(0)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--llama-cpp", metavar="PYTHON", help="a Python that has llama_cpp")
    parser.add_argument("--openvino-genai", metavar="PYTHON", help="a Python that has openvino_genai")
    parser.add_argument("--no-transformers", action="store_true", help="leave transformers out")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--quick", action="store_true", help="writing only, two rounds, nothing recorded")
    arguments = parser.parse_args()
    rounds = 2 if arguments.quick else arguments.rounds
    peers = {
        "llama.cpp": arguments.llama_cpp,
        "openvino-genai": arguments.openvino_genai,
        "transformers": None if arguments.no_transformers else sys.executable,
    }
    for peer_name, python in peers.items():
        if python is None:
            print(f"{peer_name} is left out, see --help", file=sys.stderr)
            continue
        for name in arguments.formats:
            given = "" if python == sys.executable else f" --{peer_name.replace('.', '-')} PYTHON"
            command = f"python bench/decode.py --rounds {rounds} --formats {name}{given}"
            compare(name, peer_name, python, rounds=rounds, quick=arguments.quick, command=command)


if __name__ == "__main__":
    main()
