"""The real default model, from its GGUF file, against transformers reading the same file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

import unmask
from unmask.core.trace import Watch, trace

TEXTS = [
    "The capital of France is Paris, and that of Germany is",
    "def fibonacci(n):\n    if n < 2:\n        return n\n",
    "北京是中国的首都,",
]


@pytest.fixture(scope="module")
def theirs(smollm2: Path) -> nn.Module:
    return transformers.AutoModelForCausalLM.from_pretrained(
        smollm2.parent, gguf_file=smollm2.name, dtype=torch.float32
    )


@pytest.mark.filterwarnings("ignore")  # theirs, while reading the file
@pytest.mark.parametrize("text", TEXTS)
def test_logits_equal_those_of_transformers_from_the_same_file(
    text: str, smollm2_model: unmask.Model, theirs: nn.Module
):
    tokens = torch.tensor([smollm2_model.tokenizer.encode(text).ids])
    with torch.no_grad():
        wanted, ours = theirs(tokens).logits, smollm2_model.logits(tokens)
    difference = (ours - wanted).abs().max() / wanted.abs().max()
    assert difference < 1e-4


@pytest.mark.filterwarnings("ignore")
def test_watched_attention_is_that_of_transformers(smollm2_model: unmask.Model, theirs: nn.Module):
    tokens = torch.tensor([smollm2_model.tokenizer.encode(TEXTS[0]).ids])
    kept = trace(smollm2_model.core, tokens, Watch())
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        wanted = theirs(tokens, output_attentions=True).attentions
    theirs.set_attn_implementation("sdpa")
    for ours, expected in zip(kept.weights.values(), wanted, strict=True):
        assert (ours - expected).abs().max() < 5e-6  # what float32 rounds away in thirty layers


def test_it_names_paris_as_the_capital_of_france(smollm2_model: unmask.Model):
    question = [{"role": "user", "content": "What is the capital of France?"}]
    reply = smollm2_model.chat(question, sampling=unmask.Sampling(), limit=30)
    assert "Paris" in reply.text
    assert reply.finish == "stop"


def test_a_batch_of_unequal_prompts_equals_one_by_one(smollm2_model: unmask.Model):
    together = smollm2_model.generate(TEXTS, limit=12)
    assert [reply.text for reply in together] == [smollm2_model.generate(text, limit=12).text for text in TEXTS]


def test_seeded_draws_are_the_same_alone_and_in_a_batch(smollm2_model: unmask.Model):
    sampling = unmask.Sampling(temperature=1.0, top_p=0.9, seed=7)
    together = smollm2_model.generate(TEXTS[:2], sampling=sampling, limit=12)
    alone = [smollm2_model.generate(text, sampling=sampling, limit=12) for text in TEXTS[:2]]
    assert [reply.tokens for reply in together] == [reply.tokens for reply in alone]


def test_a_streamed_answer_is_the_whole_answer(smollm2_model: unmask.Model):
    pieces = list(smollm2_model.stream("你好,我想写一首关于", limit=40))
    assert "".join(piece.text for piece in pieces) == smollm2_model.generate("你好,我想写一首关于", limit=40).text
    assert [piece.finish for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].tokens == 40


def test_a_score_is_the_sum_of_the_logarithms_of_the_softmax(smollm2_model: unmask.Model):
    text = "The cat sat on the mat."
    score = smollm2_model.score(text)
    tokens = torch.tensor([score.ids])
    with torch.no_grad():
        logprobs = smollm2_model.logits(tokens)[0].double().log_softmax(-1)
    wanted = [float(logprobs[i, token]) for i, token in enumerate(score.ids[1:])]
    assert score.logprobs[1:] == pytest.approx(wanted, abs=1e-4)
    assert "".join(score.tokens) == text
    assert score.perplexity == pytest.approx(2.718281828 ** (-sum(wanted) / len(wanted)), rel=1e-4)
