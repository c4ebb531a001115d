"""What looking inside costs: all attention of 512 tokens against transformers', and each page against a plain reading.

    python bench/views.py [--rounds 5]

All in one process and in turn, SmolLM2 in float32. transformers reads the same file and hands out its attention as it
does it (`attn_implementation="eager"`, `output_attentions=True`). A page's ratio says how many plain readings by our
own model take as long as making it. Needs the extra `bench`, and gguf for transformers' reader.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, figure, record

MODEL, LENGTH = "smollm2:135m", 512
PAGES = ("attention", "tokens", "lens", "positions")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    import torch
    import transformers

    import unmask
    from unmask.checkpoints.hub import locate
    from unmask.core.trace import Watch, trace

    warnings.simplefilter("ignore")
    transformers.logging.disable_progress_bar()
    model, path = unmask.load(MODEL, dtype="float32"), locate(MODEL)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    )
    ids = model.tokenizer.encode((ROOT / "README.md").read_text(encoding="utf-8")).ids[:LENGTH]
    text, row = model.tokenizer.decode(ids), torch.tensor([ids])

    @torch.inference_mode()
    def watched() -> object:
        return theirs.model(row, output_attentions=True)

    @torch.inference_mode()
    def plain() -> object:
        return model.core(row)

    sides: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "watch_all_heads_s": (lambda: trace(model.core, row, Watch()), watched)
    }
    for page in PAGES:
        sides[f"page_{page}_s"] = (lambda page=page: model.view(page, text).html(), plain)  # type: ignore[misc]
    for ours, peer in sides.values():
        ours(), peer()
    for task, (ours, peer) in sides.items():
        pairs = [({task: seconds(ours)}, {task: seconds(peer)}) for _ in range(rounds)]
        own = task.startswith("page")
        record(
            [figure(task, pairs, larger=False)],
            model=f"{MODEL} {LENGTH} tokens",
            dtype="float32",
            peer="plain reading" if own else "transformers eager",
            version=unmask.__version__ if own else transformers.__version__,
            command=f"python bench/views.py --rounds {rounds}",
            threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
