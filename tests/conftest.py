"""What tests share: a tiny random model with tokenizer and template, the real default model, the shared data."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

import unmask
from tests.tiny_encoder import write_encoder
from tests.tiny_translator import write_translator
from unmask.families.fields import Fields
from unmask.families.llama import LLAMA

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "What is the capital of France?",
    "云雾山中的小屋里住着一只猫。",
    "语言模型预测下一个词。",
]
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}


def pytest_configure() -> None:
    """Two threads at most for this process and for those that it starts; several workers share the processors."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    threads = max(1, min(2, (os.cpu_count() or 1) // workers))
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)


@pytest.fixture(scope="session", autouse=True)
def english() -> None:
    """Messages are asserted on in English, whatever the machine speaks; tests of Chinese set it themselves."""
    os.environ["UNMASK_LANG"] = "en"


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data and golden sets; tests that need them are skipped where they are absent."""
    folder = Path(os.environ.get("UNMASK_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; set UNMASK_SHARED")
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny Llama in the Hub's layout, with a byte-level tokenizer and a ChatML template."""
    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = HubTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = CONFIG | {"vocab_size": tokenizer.get_vocab_size(), "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config))
    settings = {"eos_token": "<|im_end|>", "chat_template": CHATML, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    spec = LLAMA.hub.spec(Fields("config.json", config))
    torch.manual_seed(0)
    weights = {name: torch.randn(value.shape) * 0.3 for name, value in spec.build().named_parameters()}
    save_file(dict(LLAMA.hub.rules(spec).give(weights)), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_folder: Path) -> unmask.Model:
    return unmask.load(tiny_folder)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny BERT that makes vectors and fills blanks."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    write_encoder(folder)
    return folder


@pytest.fixture(scope="session")
def encoder_model(encoder_folder: Path) -> unmask.Model:
    return unmask.load(encoder_folder)


@pytest.fixture(scope="session")
def translator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny translator that knows ten words."""
    folder = tmp_path_factory.mktemp("tiny-translator")
    write_translator(folder)
    return folder


@pytest.fixture(scope="session")
def translator(translator_folder: Path) -> unmask.Translator:
    return unmask.load_translator(translator_folder)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The real default model's GGUF file, pulled as a user would: from this machine if it is there already."""
    return unmask.pull("smollm2:135m", progress=False)


@pytest.fixture(scope="session")
def smollm2_model(smollm2: Path) -> unmask.Model:
    return unmask.load(smollm2)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The real sentence encoder's folder, pulled as a user would."""
    return unmask.pull("minilm", progress=False)
