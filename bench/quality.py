"""What few bits cost: perplexity of a text and divergence from float32, for every scheme; llama.cpp on the same files.

    python bench/quality.py [--characters 80000] [--rows 64] [--only int8,"awq int4-64"] [--llama PATH]

--llama names llama.cpp's llama-perplexity and compares the files too; --only "" then leaves the schemes out.

The text is the beginning of the shared data's English Wikipedia, calibration reads other pages. The reference is the
default model's file unpacked to float32: its blocks were rounded to Q4_1 once, so "int4-32-zero", which is the same
lattice, finds nothing left to lose in them; the other schemes are what to look at. Writes results/quality.tsv.
"""

from __future__ import annotations

import argparse
import copy
import csv
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import unmask
from bench.paired import COLUMNS, ROOT, machine
from unmask.core.transformer import Transformer
from unmask.evaluation.divergence import divergence
from unmask.evaluation.perplexity import perplexity
from unmask.evaluation.windows import Reading, Window, reading, windows
from unmask.quantization.calibration import MOST, calibrated, rows
from unmask.quantization.convert import quantize_model
from unmask.quantization.schemes import KNOWN, scheme

MODEL = "smollm2:135m"
LENGTH = 512
PLAIN = tuple(each.name for each in KNOWN)
CALIBRATED = tuple(f"{method} {name}" for name in ("int4-64", "int4-32-zero") for method in ("awq", "gptq"))
FILES = ("shipped", "q8_0", "q4_0")
REFERENCE = "float32 of the same file"


@dataclass(frozen=True)
class Row:
    """A figure of ours beside another's; without another it stands for itself."""

    task: str
    dtype: str
    ours: float
    peer: str = ""
    version: str = ""
    theirs: float | None = None


def shared(name: str) -> str:
    """A text of the shared data."""
    folder = Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared"))
    return gzip.decompress((folder / "data" / "wiki_c4_en" / name).read_bytes()).decode()


def remembered(read: Reading) -> Reading:
    """The same, each window read once; its scores stay in memory."""
    seen: dict[Window, list[tuple[torch.Tensor, torch.Tensor]]] = {}

    def again(window: Window) -> Sequence[tuple[torch.Tensor, torch.Tensor]]:
        if window not in seen:
            seen[window] = list(read(window))
        return seen[window]

    return again


def quantized(model: unmask.Model, name: str, tokens: torch.Tensor) -> Transformer:
    """A copy of the model in a scheme, "stored", or a scheme after the method that finds its weights."""
    if name == "stored":
        return unmask.load(model.name, quantize="stored").core
    core = copy.deepcopy(model.core)
    method, _, wanted = name.rpartition(" ")
    if method:
        calibrated(core, method, scheme(wanted), tokens)
    else:
        quantize_model(core, scheme(wanted))
    return core


def size(core: Transformer) -> int:
    """Bytes of all weights, each once."""
    return sum(each.nbytes for each in (*core.parameters(), *core.buffers()))


def in_schemes(model: unmask.Model, parts: list[Window], names: Sequence[str], *, count: int) -> Iterator[Row]:
    """Each scheme against float32; calibration reads `count` rows."""
    pages = "\n\n".join(json.loads(line)["text"] for line in shared("c4.jsonl.gz").splitlines())
    tokens = rows(model.reader.spelled(pages).ids, context=model.context)[:count]
    exact, half = remembered(reading(model.core)), 2 * model.parameters
    for name in names:
        core = quantized(model, name, tokens)
        found = divergence(exact, reading(core), parts)
        yield Row("perplexity", name, found.model.value, REFERENCE, unmask.__version__, found.reference.value)
        yield Row("divergence_mean_nats", name, found.mean)
        yield Row("divergence_p99_nats", name, found.high)
        yield Row("same_top_1", name, found.first)
        yield Row("same_top_5", name, found.few)
        yield Row("weights_mb", name, size(core) / 1e6, "bfloat16", "", half / 1e6)


def on_files(model: unmask.Model, text: str, llama: Path) -> Iterator[Row]:
    """Stored blocks as they are, ours against llama.cpp's own tool."""
    version = subprocess.run([llama, "--version"], capture_output=True, text=True, check=True)
    told = re.search(r"version: (.*)", version.stdout + version.stderr)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "text.txt"
        source.write_text(text, encoding="utf-8")
        for name in FILES:
            path = unmask.pull(MODEL, progress=False) if name == "shipped" else Path(folder) / f"{name}.gguf"
            if name != "shipped":
                model.save_gguf(path, format=name)
            ours = unmask.load(path, quantize="stored")
            found = perplexity(reading(ours.core), windows(ours.reader, text, length=LENGTH))
            theirs = by_llama(llama, path, source)
            yield Row("perplexity", f"{name} file", found.value, "llama.cpp", told[1] if told else "", theirs)


def by_llama(llama: Path, model: Path, text: Path) -> float:
    threads = str(torch.get_num_threads())
    command = [str(llama), "-m", str(model), "-f", str(text), "-c", str(LENGTH), "-t", threads]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Final estimate: PPL = ([0-9.]+)", done.stdout + done.stderr)
    if found is None:
        raise SystemExit(f"{llama} told no perplexity:\n{done.stderr[-2000:]}")
    return float(found[1])


def write(found: Iterator[Row], path: Path, *, model: str, command: str) -> None:
    """Print the rows as they come, and append them to the table."""
    path.parent.mkdir(exist_ok=True)
    fresh = not path.exists()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    about = [date.today(), commit.stdout.strip(), machine(), torch.get_num_threads()]
    with path.open("a", newline="") as stream:
        table = csv.writer(stream, delimiter="\t", lineterminator="\n")
        if fresh:
            table.writerow(COLUMNS)
        for row in found:
            theirs, ratio = ("", "") if row.theirs is None else (f"{row.theirs:.4f}", f"{row.ours / row.theirs:.4f}")
            print(f"{row.dtype:18} {row.task:22} {row.ours:10.4f}  {row.peer} {theirs} {ratio}", flush=True)
            values = [row.task, model, row.dtype, f"{row.ours:.4f}", row.peer, row.version, theirs, ratio, command]
            table.writerow([*about, *values])
            stream.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--characters", type=int, default=80_000)
    parser.add_argument("--only", help="schemes, with commas between them; else all")
    parser.add_argument("--llama", type=Path, help="llama.cpp's llama-perplexity: compare the files too")
    parser.add_argument("--rows", type=int, default=MOST, help="rows of 512 tokens that calibration reads")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "quality.tsv")
    arguments = parser.parse_args()
    text = shared("wiki.txt.gz")[: arguments.characters].rstrip("\n")
    model = unmask.load(MODEL)
    parts = windows(model.reader, text, length=LENGTH)
    command = f"python bench/quality.py --characters {arguments.characters} --rows {arguments.rows}"
    about = f"{MODEL} {sum(len(each.ids) for each in parts)} tokens of English Wikipedia"
    names = (
        (*PLAIN, "stored", *CALIBRATED) if arguments.only is None else tuple(filter(None, arguments.only.split(",")))
    )
    write(in_schemes(model, parts, names, count=arguments.rows), arguments.out, model=about, command=command)
    if arguments.llama:
        command += " --llama llama-perplexity"
        write(on_files(model, text, arguments.llama), arguments.out, model=about, command=command)


if __name__ == "__main__":
    main()
