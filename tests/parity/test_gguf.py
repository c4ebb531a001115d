"""Our GGUF families against transformers: tiny models written with the `gguf` package, named by its own tables."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest
import torch
import transformers
from torch import Tensor, nn

import unmask
from tests.parity.test_families import COMMON, GPT2, LLAMA3, VOCAB, close, ids

CASES = {
    "llama": ("Llama", COMMON),
    "llama tied, with rotary factors": ("Llama", COMMON | {"rope_parameters": LLAMA3, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2", COMMON),
    "qwen3": ("Qwen3", COMMON | {"head_dim": 16}),
    "gpt2": ("GPT2", GPT2),
}


def paired(rows: Tensor, heads: int) -> Tensor:
    """llama.cpp's order of a Llama's query and key rows: the two halves of a head interleaved. In plain loops."""
    width = len(rows) // heads
    order = [
        head * width + half * width // 2 + pair
        for head in range(heads)
        for pair in range(width // 2)
        for half in (0, 1)
    ]
    return rows[order]


def rotary_factors(config: transformers.LlamaConfig) -> Tensor:
    """What llama.cpp's converter stores for Llama 3: plain rates over scaled rates, both by transformers."""
    scaled, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    width = config.hidden_size // config.num_attention_heads
    plain = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, width, 2).float() / width)
    return plain / scaled


def write(path: Path, model: nn.Module) -> None:
    config = model.config
    name = config.model_type
    writer = gguf.GGUFWriter(path, name)
    heads, kv_heads = config.num_attention_heads, getattr(config, "num_key_value_heads", config.num_attention_heads)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(heads)
    if name == "gpt2":
        writer.add_feed_forward_length(4 * config.hidden_size)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count_kv(kv_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
        if getattr(config, "head_dim", None):
            writer.add_key_length(config.head_dim)
    arch = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == name)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    for theirs, value in model.state_dict().items():
        if config.tie_word_embeddings and theirs == "lm_head.weight":
            continue
        if name == "gpt2" and ".c_" in theirs and value.dim() == 2:
            value = value.T  # Conv1D
        if name == "llama" and ("q_proj" in theirs or "k_proj" in theirs):
            value = paired(value, heads if "q_proj" in theirs else kv_heads)
        writer.add_tensor(names.get_name(theirs, try_suffixes=(".weight", ".bias")), value.contiguous().numpy())
    if name == "llama" and config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", rotary_factors(config).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("case", CASES)
def test_a_gguf_file_gives_the_logits_of_the_model_it_was_made_of(case: str, tmp_path: Path):
    name, settings = CASES[case]
    config = getattr(transformers, f"{name}Config")(**settings)
    theirs = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    write(tmp_path / "model.gguf", theirs)
    ours = unmask.load(tmp_path / "model.gguf")
    assert ours.spec.embedding.vocab == VOCAB
    with torch.no_grad():
        close(ours.logits(ids()), theirs(ids()).logits)
