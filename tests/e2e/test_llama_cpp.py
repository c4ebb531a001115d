"""What we export, read by llama.cpp itself: the same answers, token by token."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import xllamacpp

import unmask

TOKENS = 32
PROMPTS = (
    "The capital of France is",
    "Once upon a time, there was a little girl who",
    "Water boils at",
    "def fibonacci(n):\n",
    "The three primary colors are",
    "My favourite book is",
    "The weather today is",
    "In the year 1969,",
    "To make bread, you need",
    "She opened the door and",
)


def theirs(path: Path, prompts: list[list[int]]) -> list[str]:
    """What llama.cpp answers to each prompt, greedily."""
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.n_ctx, settings.n_parallel, settings.warmup = 512, 1, False
    settings.cpuparams.n_threads = torch.get_num_threads()
    server = xllamacpp.Server(settings)
    request = {"n_predict": TOKENS, "temperature": 0, "top_k": 1, "repeat_penalty": 1.0, "cache_prompt": False}
    replies = [server.handle_completions({"prompt": prompt, **request}) for prompt in prompts]
    return [reply["choices"][0]["text"] for reply in replies]


def exported(model: unmask.Model, folder: Path, kind: str) -> tuple[unmask.Model, Path]:
    path = folder / f"model-{kind}.gguf"
    assert model.save_gguf(path, format=kind) == ()
    return unmask.load(path), path


def test_an_f16_file_answers_token_by_token_as_ours(smollm2_model: unmask.Model, tmp_path: Path):
    ours, path = exported(smollm2_model, tmp_path, "f16")
    prompts = [list(ours.reader.spelled(prompt).ids) for prompt in PROMPTS]
    assert theirs(path, prompts) == [ours.generate(prompt, limit=TOKENS).text for prompt in PROMPTS]


@pytest.mark.parametrize(("kind", "nearly"), [("q8_0", 0.3), ("q4_0", 1.0)])
def test_of_a_quantized_file_llama_cpp_chooses_what_ours_finds_best(
    smollm2_model: unmask.Model, tmp_path: Path, kind: str, nearly: float
):
    # Token by token is too much to ask here: llama.cpp rounds what it multiplies with these weights to 8 bits, which
    # decides near ties; with Q4_0 its two sets of kernels (no_extra_bufts) agree in one of these texts.
    # So its answers are judged by our model of the same file: its choices must be our first, and where they are not,
    # hardly less likely (in natural logarithms).
    ours, path = exported(smollm2_model, tmp_path, kind)
    prompts = [list(ours.reader.spelled(prompt).ids) for prompt in PROMPTS]
    behind = []
    for prompt, text in zip(prompts, theirs(path, prompts), strict=True):
        answer = list(ours.tokenizer.encode(text, special=False).ids)
        with torch.inference_mode():
            logprobs = ours.logits(torch.tensor([prompt + answer]))[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
        chosen = logprobs.gather(1, torch.tensor(answer)[:, None])[:, 0]
        behind += (logprobs.amax(dim=-1) - chosen).tolist()
    assert len(behind) > 4 * TOKENS
    assert sum(each == 0 for each in behind) >= 0.93 * len(behind)
    assert max(behind) < nearly
