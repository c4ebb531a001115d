"""One side of bench/serve.py that is no server: an engine in a process of its own, asleep until it gets prompts.

    python bench/batches.py TOOL MODEL SETTING

The first line out is the tool's version. Then a line in, [prompts, count], is lists of ids, all of them to be answered
at once with `count` tokens each; the line out is {"first": seconds to the first token of each, "seconds": until the
last one of all, "ids": the answers, "peak": the most memory this process has held, in MB of 10^6 bytes}.

TOOL is `openvino-genai` (MODEL: a folder that optimum-cli made; SETTING: -) or `ours` (SETTING: how to quantize, with
`-plain` after it to write without drafts). Needs the tool alone, so a peer can have a Python of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).parents[1]))

Prompts = Sequence[Sequence[int]]
Write = Callable[[Prompts, int, Callable[[int, list[int]], None]], None]
"""Prompts, count, and who is told of each row's tokens as they come. Every token is the likeliest."""


@dataclass(frozen=True)
class Tool:
    version: str
    write: Write


def ours(file: str, setting: str, threads: int) -> Tool:
    import torch

    import unmask
    from unmask.engine.engine import Engine
    from unmask.engine.settings import Settings
    from unmask.generation.answer import Order, Piece
    from unmask.generation.sampling import Sampling

    torch.set_num_threads(threads)
    quantize = setting.removesuffix("-plain")
    model = unmask.load(file, quantize=quantize)
    engine = Engine(model.core, model.tokenizer, Settings(drafts=setting == quantize))
    engine.start()

    def write(prompts: Prompts, count: int, tell: Callable[[int, list[int]], None]) -> None:
        news: SimpleQueue[tuple[int, object]] = SimpleQueue()
        for row, prompt in enumerate(prompts):
            order = Order(prompt=tuple(prompt), sampling=Sampling(), limit=count, endless=True)
            engine.submit(order, lambda found, row=row: news.put((row, found)))  # type: ignore[misc]
        left = len(prompts)
        while left:
            row, piece = news.get()
            assert isinstance(piece, Piece), piece
            if piece.id is not None:
                tell(row, [piece.id])
            left -= piece.finish is not None

    return Tool(unmask.__version__, write)


def openvino_genai(folder: str, setting: str, threads: int) -> Tool:
    import numpy
    import openvino
    import openvino_genai as tool

    assert setting == "-", "openvino-genai takes a folder as it is"
    properties = {"INFERENCE_NUM_THREADS": threads}
    pipeline = tool.ContinuousBatchingPipeline(folder, tool.SchedulerConfig(), "CPU", properties)

    def write(prompts: Prompts, count: int, tell: Callable[[int, list[int]], None]) -> None:
        settings = tool.GenerationConfig(max_new_tokens=count, do_sample=False, ignore_eos=True)
        handles = [
            pipeline.add_request(row, openvino.Tensor(numpy.array([prompt], numpy.int64)), settings)
            for row, prompt in enumerate(prompts)
        ]
        while pipeline.has_non_finished_requests():
            pipeline.step()
            for row, handle in enumerate(handles):
                while handle.can_read():
                    for output in handle.read().values():
                        tell(row, list(output.generated_ids))

    return Tool(tool.__version__.split("-")[0], write)


TOOLS: dict[str, Callable[[str, str, int], Tool]] = {"ours": ours, "openvino-genai": openvino_genai}


def answered(write: Write, prompts: Prompts, count: int) -> dict[str, object]:
    first: dict[int, float] = {}
    ids: list[list[int]] = [[] for _ in prompts]

    def tell(row: int, tokens: list[int]) -> None:
        first.setdefault(row, time.perf_counter() - began)
        ids[row] += tokens

    began = time.perf_counter()
    write(prompts, count, tell)
    seconds = time.perf_counter() - began
    return {"first": [first[row] for row in range(len(prompts))], "seconds": seconds, "ids": ids, "peak": peak("self")}


def peak(process: int | str) -> float:
    """The most memory that a process has held, in MB of 10^6 bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit(f"process {process} tells no peak memory")


def main() -> None:
    name, model, setting = sys.argv[1:]
    # What a library prints must not be read as an answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    tool = TOOLS[name](model, setting, len(os.sched_getaffinity(0)))
    print(json.dumps(tool.version), file=out)
    for line in sys.stdin:
        print(json.dumps(answered(tool.write, *json.loads(line))), file=out)


if __name__ == "__main__":
    main()
