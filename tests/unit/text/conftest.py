"""A small byte-level vocabulary, learnt here, and the same as GGUF metadata."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

TEXTS = [
    "The cat sat on the mat, and the other cat sat there too.",
    "Don't they say 12345 is a number? They'll see!",
    "今天天气很好,我们去公园散步吧。今天我们学习中文。",
    "Mixed 中文 and English, émigré naïve 😀😀\n\n  tabs\tand  blanks",
] * 3


@pytest.fixture(scope="session")
def backend() -> tokenizers.Tokenizer:
    learnt = tokenizers.Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learnt.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learnt.train_from_iterator(TEXTS, trainer)
    return learnt


@pytest.fixture
def metadata(backend: tokenizers.Tokenizer) -> dict[str, Any]:
    """What a GGUF file of this vocabulary would say; a fresh copy for each test to spoil."""
    model = json.loads(backend.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 3 + [1] * (len(tokens) - 3),
        "tokenizer.ggml.merges": [" ".join(merge) for merge in model["merges"]],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.chat_template": "{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}",
    }
