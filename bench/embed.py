"""Sentence embedding against sentence-transformers, onnxruntime and OpenVINO: 2,000 texts of mixed lengths, and start.

    python bench/embed.py [--texts FILE] [--count 2000] [--sides ours-bfloat16 openvino-float32 ...]

Every side is a process of its own that stays; they take turns, slice by slice of the same texts, while the others
sleep, so that a machine whose speed drifts slows all alike. FILE has a text a line; without one the texts are
sentences and paragraphs of the shared data. The graph that onnxruntime and OpenVINO read is made here from
transformers' model, and they get what they like best: texts sorted by length, 32 at a time. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, figure, record, since_start

MODEL = "minilm"
LONGEST, BATCH, SLICE, WARM = 256, 32, 100, 8
Embed = Callable[[list[str]], Any]
"""Texts to a numpy array [N, W] of unit vectors."""


def ours(folder: str, dtype: str) -> Embed:
    import unmask

    model = unmask.load(folder, quantize=dtype) if dtype == "int8" else unmask.load(folder, dtype=dtype)
    return lambda texts: model.embed(texts, cut=True).numpy()


def sentence_transformers(folder: str, dtype: str) -> Embed:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": getattr(torch, dtype)})
    return lambda texts: model.encode(texts, show_progress_bar=False)


def onnxruntime(folder: str, dtype: str) -> Embed:
    import onnxruntime

    graph = Path(folder).parent / f"minilm-{'int8' if dtype == 'int8' else 'float32'}.onnx"
    session = onnxruntime.InferenceSession(str(graph))
    return padded(folder, lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0])


def openvino(folder: str, dtype: str) -> Embed:
    import openvino

    graph = Path(folder).parent / "minilm-float32.onnx"
    hints = {"INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[dtype], "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(str(graph), "CPU", hints).create_infer_request()
    return padded(folder, lambda ids, mask: request.infer([ids, mask])[0])


def padded(folder: str, run: Callable[[Any, Any], Any]) -> Embed:
    """What one writes around a bare graph: sort, tokenize, pad, run, pool, normalize."""
    import numpy
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)

    def embed(texts: list[str]) -> Any:
        rows = [each.ids for each in tokenizer.encode_batch(texts)]
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        found = []
        for begin in range(0, len(order), BATCH):
            batch = [rows[i] for i in order[begin : begin + BATCH]]
            ids = numpy.zeros((len(batch), len(batch[0])), numpy.int64)
            mask = numpy.zeros_like(ids)
            for row, each in enumerate(batch):
                ids[row, : len(each)], mask[row, : len(each)] = each, 1
            vectors = (run(ids, mask) * mask[..., None]).sum(axis=1)
            found.append(vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True))
        return numpy.concatenate(found)[numpy.argsort(order)]

    return embed


SIDES: dict[str, tuple[Callable[[str, str], Embed], str]] = {
    "ours-int8": (ours, "int8"),
    "ours-bfloat16": (ours, "bfloat16"),
    "ours-float32": (ours, "float32"),
    "sentence-transformers-bfloat16": (sentence_transformers, "bfloat16"),
    "sentence-transformers-float32": (sentence_transformers, "float32"),
    "onnxruntime-float32": (onnxruntime, "float32"),
    "onnxruntime-int8": (onnxruntime, "int8"),
    "openvino-float32": (openvino, "float32"),
    "openvino-bfloat16": (openvino, "bfloat16"),
}


def prepare() -> Path:
    """The model's folder, where the other tools find it too, and beside it the graphs; made once."""
    import unmask
    from unmask.base.files import home

    folder = home() / "bench" / "minilm"
    if not (folder.parent / "minilm-int8.onnx").exists():
        import shutil

        shutil.copytree(unmask.pull(MODEL), folder, dirs_exist_ok=True)
        export(folder)
    return folder


def export(folder: Path) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import BertModel

    class Trunk(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel.from_pretrained(folder, attn_implementation="eager").eval()

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            segments = torch.zeros_like(ids)
            hidden: torch.Tensor = self.bert(ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
            return hidden

    graph, ids = folder.parent / "minilm-float32.onnx", torch.ones(2, 7, dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Trunk(),
            (ids, ids),
            str(graph),
            input_names=["ids", "mask"],
            output_names=["hidden"],
            dynamic_axes={name: {0: "rows", 1: "tokens"} for name in ("ids", "mask", "hidden")},
            opset_version=17,
            dynamo=False,
        )
    quantize_dynamic(graph, folder.parent / "minilm-int8.onnx", weight_type=QuantType.QInt8)


def read_texts(path: str | None, count: int) -> list[str]:
    """`count` texts in a fixed random order: of a file, else half sentences and half paragraphs of the shared data."""
    if path is not None:
        texts = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    else:
        data = Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared")) / "data"
        with gzip.open(data / "stsb" / "train.tsv.gz", "rt", encoding="utf-8") as lines:
            short = list(dict.fromkeys(line.split("\t")[1] for line in lines))[1:]
        with gzip.open(data / "squad_v1" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
            long = list(dict.fromkeys(json.loads(line)["context"] for line in lines))
        texts = short[: count - count // 2] + long[: count // 2]
    random.Random(0).shuffle(texts)
    if len(texts) < count:
        raise SystemExit(
            f"{count} texts are wanted, and there are {len(texts)}. Give more with --texts, or ask for fewer."
        )
    return texts[:count]


def work(side: str, folder: str, texts: list[str]) -> None:
    """A side's process: says when it has its first vector, then does the slices it is told to."""
    load, dtype = SIDES[side]
    embed = load(folder, dtype)
    embed(texts[:1])
    print(json.dumps({"start_s": since_start()}), flush=True)
    embed(texts[:WARM])
    for line in sys.stdin:
        begin, end = json.loads(line)
        began = time.perf_counter()
        vectors = embed(texts[begin:end])
        took = time.perf_counter() - began
        print(json.dumps({"texts_s": (end - begin) / took, "vectors": vectors.astype("float32").tolist()}), flush=True)


class Worker:
    """One side, alive and asleep until it is asked."""

    def __init__(self, side: str, arguments: list[str]) -> None:
        environment = os.environ | {"UNMASK_BENCH_START": repr(time.time())}
        command = [sys.executable, __file__, *arguments, "--work", side]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )
        self.start = self.read()["start_s"]

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
        raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")

    def run(self, begin: int, end: int) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([begin, end]) + "\n")
        self.process.stdin.flush()
        return self.read()


def compare(workers: dict[str, Worker], count: int) -> dict[str, list[dict[str, Any]]]:
    """Every slice by every side, each time another one first."""
    done: dict[str, list[dict[str, Any]]] = {side: [] for side in workers}
    names = list(workers)
    for number, begin in enumerate(range(0, count, SLICE)):
        turn = number % len(names)
        for side in names[turn:] + names[:turn]:
            done[side].append(workers[side].run(begin, min(begin + SLICE, count)))
        rates = {side: round(done[side][-1]["texts_s"], 1) for side in names}
        print(f"texts {begin + 1} to {min(begin + SLICE, count)}: {rates}", file=sys.stderr)
    return done


def worst_cosine(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float:
    import numpy

    left, right = (numpy.concatenate([each["vectors"] for each in side]) for side in (mine, theirs))
    return float((left * right).sum(axis=1).min())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", help="a text a line")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), metavar="SIDE")
    parser.add_argument("--work", choices=SIDES, help="what each side's process is started with; not for you")
    arguments = parser.parse_args()
    texts = read_texts(arguments.texts, arguments.count)
    folder = prepare()
    if arguments.work:
        work(arguments.work, str(folder), texts)
        return
    passed = ["--count", str(arguments.count), *(["--texts", arguments.texts] if arguments.texts else [])]
    workers = {side: Worker(side, passed) for side in arguments.sides}
    done = compare(workers, arguments.count)
    for worker in workers.values():
        worker.process.communicate()
    mine = next(side for side in arguments.sides if side.startswith("ours"))
    for side in arguments.sides:
        cosine = worst_cosine(done[mine], done[side])
        print(f"{side}: start {workers[side].start:.1f} s, worst cosine to {mine} {cosine:.5f}")
        if side != mine:
            report(side, mine, done, workers, f"python bench/embed.py --count {arguments.count}")


def report(
    side: str, mine: str, done: dict[str, list[dict[str, Any]]], workers: dict[str, Worker], command: str
) -> None:
    """The rows of one peer."""
    import unmask

    slices = zip(done[mine], done[side], strict=True)
    pairs = [({"embed_texts_s": a["texts_s"]}, {"embed_texts_s": b["texts_s"]}) for a, b in slices]
    starts = [({"embed_start_s": workers[mine].start}, {"embed_start_s": workers[side].start})]
    name, _, dtype = side.rpartition("-")
    record(
        [figure("embed_texts_s", pairs, larger=True), figure("embed_start_s", starts, larger=False)],
        model=MODEL,
        dtype=f"{mine.rpartition('-')[2]} against {dtype}",
        peer=name,
        version=unmask.__version__ if name == "ours" else version(name),
        command=command,
        threads=len(os.sched_getaffinity(0)),
    )


if __name__ == "__main__":
    main()
