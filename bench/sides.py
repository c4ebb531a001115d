"""One side of bench/decode.py: a tool and a model in a process of its own, asleep until it is asked for an answer.

    python bench/sides.py TOOL FILE QUANTIZE

The first line out is the tool's version, said when the first token is there. Then a line in, [token, context, count],
is a prompt that says `token` `context` times, and how many tokens to write after the first; the line out is
[seconds to the first token, seconds for the others]. Needs the tool alone, so a peer can have a Python of its own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

Answer = Callable[[int, int, int], tuple[float, float]]
"""Token, context and count to the two times, in seconds. Every token is the likeliest, chosen by the tool's user where
its library does not choose. No prompt comes twice, so a cache of prompts is of no use."""
LONGEST = 2560
"""Tokens there is room for, where a tool wants to know before."""


@dataclass(frozen=True)
class Side:
    """A loaded model."""

    version: str
    answer: Answer


def ours(file: str, quantize: str, threads: int) -> Side:
    import torch

    import unmask
    from unmask.generation.sampling import Chooser, Sampling

    torch.set_num_threads(threads)
    model = unmask.load(file, quantize=quantize)
    vocab = model.spec.embedding.vocab

    @torch.inference_mode()
    def answer(token: int, context: int, count: int) -> tuple[float, float]:
        began = time.perf_counter()
        cache = model.core.cache(batch=1, capacity=context + count)
        prompt = torch.full((1, context), token)
        chooser = Chooser(Sampling(), prompt[0], vocab=vocab)
        last = chooser.choose(model.core.logits(prompt, cache=cache, last=1)[0, -1])
        first = time.perf_counter()
        for _ in range(count):
            last = chooser.choose(model.core.logits(last.view(1, 1), cache=cache, last=1)[0, -1])
        return first - began, time.perf_counter() - first

    return Side(unmask.__version__, answer)


def llama_cpp(file: str, quantize: str, threads: int) -> Side:
    import llama_cpp as tool
    import numpy

    assert quantize == "stored", "llama.cpp takes a file as it is"
    logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)
    tool.llama_backend_init()
    model = tool.llama_model_load_from_file(file.encode(), tool.llama_model_default_params())
    settings = tool.llama_context_default_params()
    settings.n_ctx, settings.n_batch = LONGEST, LONGEST
    settings.n_threads = settings.n_threads_batch = threads
    context_of = tool.llama_init_from_model(model, settings)
    vocab = tool.llama_vocab_n_tokens(tool.llama_model_get_vocab(model))

    def choose(*tokens: int) -> int:
        ids = (tool.llama_token * len(tokens))(*tokens)  # held here, for a batch only points at it
        if tool.llama_decode(context_of, tool.llama_batch_get_one(ids, len(tokens))):
            raise SystemExit(f"llama.cpp cannot read {len(tokens)} tokens.")
        return int(numpy.ctypeslib.as_array(tool.llama_get_logits_ith(context_of, -1), (vocab,)).argmax())

    def answer(token: int, context: int, count: int) -> tuple[float, float]:
        tool.llama_memory_clear(tool.llama_get_memory(context_of), False)
        began = time.perf_counter()
        last = choose(*[token] * context)
        first = time.perf_counter()
        for _ in range(count):
            last = choose(last)
        return first - began, time.perf_counter() - first

    unit = " with AMX" if b"AMX_INT8 = 1" in tool.llama_print_system_info() else ""
    return Side(tool.__version__ + unit, answer)


def openvino_genai(file: str, quantize: str, threads: int) -> Side:
    import numpy
    import openvino
    import openvino_genai as tool

    assert quantize == "stored", "openvino-genai takes a folder as it is"
    folder = Path(file)
    if not (folder / "openvino_model.xml").exists():
        tool.LLMPipeline(str(next(folder.glob("*.gguf"))), "CPU", enable_save_ov_model=True)
    pipeline = tool.LLMPipeline(file, "CPU", INFERENCE_NUM_THREADS=threads)

    def answer(token: int, context: int, count: int) -> tuple[float, float]:
        rows = (numpy.full((1, context), token), numpy.ones((1, context), numpy.int64))
        prompt = tool.TokenizedInputs(*(openvino.Tensor(each) for each in rows))
        done = pipeline.generate(prompt, max_new_tokens=1 + count, do_sample=False, ignore_eos=True).perf_metrics
        first = done.get_ttft().mean / 1000
        return first, done.get_generate_duration().mean / 1000 - first

    return Side(tool.__version__.split("-")[0], answer)


def transformers(file: str, quantize: str, threads: int) -> Side:
    import torch
    import transformers as tool

    assert quantize == "stored", "transformers takes a file as it is"
    torch.set_num_threads(threads)
    model = tool.AutoModelForCausalLM.from_pretrained(file, dtype="auto")

    @torch.inference_mode()
    def answer(token: int, context: int, count: int) -> tuple[float, float]:
        began = time.perf_counter()
        said = model(torch.full((1, context), token), use_cache=True, logits_to_keep=1)
        tokens = said.logits[:, -1].argmax(-1, keepdim=True)
        first = time.perf_counter()
        for _ in range(count):
            said = model(tokens, past_key_values=said.past_key_values, use_cache=True)
            tokens = said.logits[:, -1].argmax(-1, keepdim=True)
        return first - began, time.perf_counter() - first

    return Side(tool.__version__, answer)


LOADERS: dict[str, Callable[[str, str, int], Side]] = {
    "ours": ours,
    "llama.cpp": llama_cpp,
    "openvino-genai": openvino_genai,
    "transformers": transformers,
}


def main() -> None:
    name, file, quantize = sys.argv[1:]
    # What a library prints must not be read as an answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    side = LOADERS[name](file, quantize, len(os.sched_getaffinity(0)))
    side.answer(10, 32, 0)
    print(json.dumps(side.version), file=out)
    side.answer(11, 128, 128)  # warm, and so that memory has been taken
    for line in sys.stdin:
        print(json.dumps(side.answer(*json.loads(line))), file=out)


if __name__ == "__main__":
    main()
