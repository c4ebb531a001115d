"""What attention and the Transformer brought to translation, in so many CPU minutes: BLEU, by time, steps and length.

    python bench/translation.py learn SET FOLDER [--only transformer ...] [--seeds 1 ...] [--minutes 20] [--together 2]
    python bench/translation.py table SET FOLDER [--rows results/quality.tsv]    # BLEU at equal time and at equal steps
    python bench/translation.py lengths SET FOLDER [--out docs/translation-lengths.svg]    # BLEU by source length
    python bench/translation.py links SET FOLDER    # alignment error rate of 50 sentences linked by hand

A system is learnt by bench/translation_sides.py in a process of its own, with one thread; FOLDER keeps them all. The
peer is transformers' MarianMTModel of the same sizes in a plain loop. Needs the extra `bench` and the shared data.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from bench.paired import ROOT, machine
from bench.translation_data import SETS, Material, joined, material
from bench.translation_sides import CASES, CURVE
from unmask.core.recurrent import Recurrent
from unmask.evaluation.translation import Link, Links, alignment_error_rate, scores
from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq
from unmask.generation.aligned import Side, align
from unmask.generation.rendering import Manner
from unmask.generation.search import Search
from unmask.generation.translate import translate
from unmask.recipes.plot import HEIGHT, LEFT, PAPER, WIDTH, Frame, legend
from unmask.views.svg import COOL, WARM, document, label

RESULTS = ROOT / "results" / "quality.tsv"
PUNCTUATION = ".,?!"
BEAMS = 4


def place(folder: Path, chosen: str, system: str, seed: int) -> Path:
    return folder / f"{chosen}-{system.replace(' ', '-')}-seed{seed}"


def learn(
    chosen: str, folder: Path, systems: Sequence[str], seeds: Sequence[int], *, minutes: float, at_once: int
) -> None:
    """Each system in a process of its own, so many at once."""
    material(chosen, folder)  # its vocabulary, made once for all
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def one(system: str, seed: int) -> None:
        side = str(ROOT / "bench" / "translation_sides.py")
        told = [system, chosen, str(place(folder, chosen, system, seed)), f"--minutes={minutes}", f"--seed={seed}"]
        subprocess.run([sys.executable, side, *told], env=environment, check=True, cwd=ROOT)

    with ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(one, system, seed) for seed in seeds for system in systems]:
            done.result()


def curve(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / CURVE).read_text().splitlines()]


def table(chosen: str, folder: Path, command: str, *, rows_to: Path) -> None:
    """BLEU of the test pairs: at the end of the time with beams, and greedy at the last look that all systems had."""
    runs = {
        (system, seed): run
        for system in CASES
        for seed in range(100)
        if (run := place(folder, chosen, system, seed) / "report.json").exists()
    }
    curves = {key: {line["steps"]: line["bleu"] for line in curve(run.parent)} for key, run in runs.items()}
    looks = set.intersection(*({*found} for found in curves.values()))
    if not looks:
        raise SystemExit(
            f"The systems in {folder} have no look after as many steps in common: let them learn for longer."
        )
    steps = max(looks)
    with rows_to.open("a", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        for (system, seed), run in runs.items():
            report = json.loads(run.read_text())
            peer = json.loads(runs["peer", seed].read_text()) if ("peer", seed) in runs else report
            last = curve(run.parent)[-1]
            about = f"{system}, {report['parameters']:,} weights, {chosen}, seed {seed}"
            for task, value, theirs in (
                (f"bleu_beam{BEAMS}_{round(last['seconds'] / 60)}_cpu_minutes", report["bleu"], peer["bleu"]),
                (f"bleu_greedy_{steps}_steps", curves[system, seed][steps], curves.get(("peer", seed), {}).get(steps)),
            ):
                print(f"{about:70} {task:32} {value:.2f} ({last['steps']} steps)")
                peered = ["", "", "", ""] if system == "peer" or theirs is None else told_of_peer(value, theirs)
                about_run = [date.today(), commit(), machine(), 1, task, about, "float32"]
                rows.writerow([*about_run, f"{value:.2f}", *peered, command])


def told_of_peer(value: float, theirs: float) -> list[str]:
    name = "transformers' MarianMTModel, plain loop"
    return [name, version("transformers"), f"{theirs:.2f}", f"{value / theirs:.4f}"]


def commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=True)
    return said.stdout.strip()


def loaded(folder: Path) -> LoadedSeq2Seq:
    return load_seq2seq(folder / "model", dtype=torch.float32, device=torch.device("cpu"))


def translated(model: LoadedSeq2Seq, made: Material, texts: Sequence[str]) -> list[str]:
    manner = Manner(start=made.pad, ends=frozenset({made.end}), never=frozenset({made.pad}))
    rows = [[*row[: made.length - 1], made.end] for row in made.tokenizer.rows(texts, special=False)]
    found = translate(model.model, rows, Search(beams=BEAMS), manner, made.tokenizer)
    return [each[0].text for each in found]


def by_length(chosen: str, folder: Path, seed: int, out: Path) -> None:
    """A picture of BLEU by words of the source, of 1 to 4 test sentences in one; with and without attention."""
    made = replace(material(chosen, folder), length=SETS["joined"].length)
    lines = []
    for system, colour in (("attending rnn", COOL), ("rnn", WARM)):
        model, points = loaded(place(folder, chosen, system, seed)), []
        # A recurrent network has no places that could run out: its context is what it learnt from, and a limit.
        assert isinstance(model.model, Recurrent)
        model.model.spec = replace(model.model.spec, context=made.length)
        for count in range(1, 5):
            sources, wanted = joined(made.sources, count), joined(made.references, count)
            value = scores(translated(model, made, sources), wanted, language=made.language).bleu
            words = sum(len(text.split()) for text in sources) / len(sources)
            points.append((words, value))
            print(f"{system:16} {count} sentences, {words:5.1f} words: BLEU {value:.2f}")
        lines.append((system, colour, points))
    learnt = "single sentences" if SETS[chosen].most == 1 else "1 to 4 sentences"
    title = f"BLEU of 1 to 4 sentences in one, by networks that learnt from {learnt}"
    every = [point for _, _, points in lines for point in points]
    frame = Frame.around([*every, (0.0, 0.0)])
    parts = [PAPER, label(title, LEFT, 20, size=15), *frame.grid("words of the source")]
    parts += [frame.curve(points, colour=colour, width=2) for _, colour, points in lines]
    parts += legend([(f"{system} {points[-1][1]:.1f}", colour) for system, colour, points in lines])
    out.write_text(document(title, WIDTH, HEIGHT, parts))


def linked() -> Iterator[tuple[list[str], list[str], Links]]:
    """Our own pairs, cut into words; a link is i-j where sure and i?j where possible."""
    with (ROOT / "bench" / "linked.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            sets: dict[str, set[Link]] = {"-": set(), "?": set()}
            for each in row["links"].split():
                kind = "-" if "-" in each else "?"
                source, target = map(int, each.split(kind))
                sets[kind].add((source, target))
            yield row["de"].split(), row["en"].split(), Links(frozenset(sets["-"]), frozenset(sets["?"]))


def spelled(words: Sequence[str]) -> tuple[str, list[int]]:
    """The words as a text, and the word of each of its characters, that of a blank being the next one's."""
    text, owners = "", list[int]()
    for number, word in enumerate(words):
        piece = word if not text or word in PUNCTUATION else f" {word}"
        text += piece
        owners += [number] * len(piece)
    return text, owners


def guessed(model: LoadedSeq2Seq, source: Sequence[str], target: Sequence[str]) -> list[set[Link]]:
    """Each target word with the source word that it looks at most: by each layer, and by all together."""
    sides, owners = [], []
    for words, tokenizer in ((source, model.source), (target, model.target)):
        assert tokenizer is not None
        text, owner = spelled(words)
        side = Side.of(text, tokenizer)
        sides.append(side)
        owners.append([owner[end - 1] if end > begin else None for begin, end in side.spans])
    assert model.start is not None
    weights = align(model.model, sides[0], sides[1], start=model.start).weights.mean(1)  # [N, T, S]
    found = []
    for layer in [*weights, weights.mean(0)]:
        looks = torch.zeros(len(target), len(source))
        for row, to in enumerate(owners[1]):
            for column, of in enumerate(owners[0]):
                if to is not None and of is not None:
                    looks[to, of] += layer[row, column]
        found.append({(of, to) for to, of in enumerate(looks.argmax(1).tolist())})
    return found


def links(chosen: str, folder: Path, seed: int) -> None:
    rows = list(linked())
    wanted = [each for *_, each in rows]
    diagonal = [{(round(at * (len(a) - 1) / (len(b) - 1)), at) for at in range(len(b))} for a, b, _ in rows]
    print(f"{'the diagonal':16} {alignment_error_rate(diagonal, wanted):.3f}")
    for system in ("attending rnn", "transformer"):
        if not ((run := place(folder, chosen, system, seed)) / "model").exists():
            continue
        model = loaded(run)
        found = [guessed(model, source, target) for source, target, _ in rows]
        values = [alignment_error_rate(layer, wanted) for layer in zip(*found, strict=True)]
        print(f"{system:16} {values[-1]:.3f}; by layer " + ", ".join(f"{value:.3f}" for value in values[:-1]))


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("learn", "table", "lengths", "links"))
    parser.add_argument("set", choices=SETS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--together", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "translation-lengths.svg")
    parser.add_argument("--rows", type=Path, default=RESULTS, help="the file that a table is added to")
    return parser.parse_args()


def main() -> None:
    told = arguments()
    torch.set_num_threads(1)
    told.folder.mkdir(parents=True, exist_ok=True)
    if told.what == "learn":
        learn(told.set, told.folder, told.only, told.seeds, minutes=told.minutes, at_once=told.together)
    elif told.what == "table":
        table(told.set, told.folder, f"python bench/translation.py learn {told.set} runs", rows_to=told.rows)
    elif told.what == "lengths":
        by_length(told.set, told.folder, told.seeds[0], told.out)
    else:
        links(told.set, told.folder, told.seeds[0])


if __name__ == "__main__":
    main()
