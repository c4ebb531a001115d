"""Qwen 2 and 3: Llama with a bias on query, key and value (2), or with normalized queries and keys instead (3).

Sources: Qwen2 report (arXiv 2407.10671), section 2.2; Qwen3 report (arXiv 2505.09388), section 2.
"""

from __future__ import annotations

from dataclasses import replace

from unmask.core.masks import Window
from unmask.core.norms import RMSNormSpec
from unmask.core.transformer import TransformerSpec
from unmask.families import gguf, hub
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields
from unmask.families.llama import LlamaSize, gguf_size, hub_size, llama


def qwen2(size: LlamaSize) -> TransformerSpec:
    """Llama wiring with a bias on query, key and value."""
    return llama(replace(size, bias=True))


def qwen3(size: LlamaSize) -> TransformerSpec:
    """Llama wiring with normalized queries and keys."""
    spec = llama(size)
    block = spec.blocks[0]
    attention = replace(block.attention, qk_norm=RMSNormSpec(eps=size.norm_eps))
    return replace(spec, blocks=(replace(block, attention=attention),) * size.depth)


def windowed(spec: TransformerSpec, config: Fields) -> TransformerSpec:
    """The layers from `max_window_layers` on see a window only, where the configuration switches that on."""
    if not config.flag("use_sliding_window", False):
        return spec
    window, first = Window(config.size("sliding_window")), config.size("max_window_layers")
    narrowed = (replace(each, attention=replace(each.attention, mask=window)) for each in spec.blocks[first:])
    return replace(spec, blocks=(*spec.blocks[:first], *narrowed))


def qwen3_hub(config: Fields) -> TransformerSpec:
    size = replace(hub_size(config, head_width=128), bias=config.flag("attention_bias", False))
    return windowed(qwen3(replace(size, out_bias=size.bias)), config)


QWEN2 = Family(
    name="qwen2",
    hub=Dialect("qwen2", spec=lambda config: windowed(qwen2(hub_size(config)), config), rules=hub.decoder_rules),
    gguf=Dialect("qwen2", spec=lambda metadata: qwen2(gguf_size(metadata)), rules=gguf.decoder_rules),
)

QWEN3 = Family(
    name="qwen3",
    hub=Dialect("qwen3", spec=qwen3_hub, rules=hub.decoder_rules),
    gguf=Dialect("qwen3", spec=lambda metadata: qwen3(gguf_size(metadata)), rules=gguf.decoder_rules),
)
