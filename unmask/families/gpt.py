"""GPT-2: pre-norm decoder with learned positions. Source: Radford et al. 2019, section 2.3."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.checkpoints.rules import Rules, rule, transposed_rows
from unmask.core.alignment import ScaledDot
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Causal
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import LearnedSpec
from unmask.core.residual import Pre
from unmask.core.transformer import TransformerSpec
from unmask.families import gguf
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields

ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


@dataclass(frozen=True)
class GPT2Size:
    """The sizes that make one GPT-2 of another; the defaults are the published 124M model's."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072
    vocab: int = 50257
    context: int = 1024
    norm_eps: float = 1e-5
    activation: str = "gelu_tanh"
    tied: bool = True
    scale_by_layer: bool = False
    """Divide layer i's scores by i + 1 (Mistral's GPT-2 runs; off in OpenAI's)."""


def gpt2(size: GPT2Size) -> TransformerSpec:
    """Pre-norm blocks with biases everywhere, learned positions, tanh-approximated GELU."""
    norm = LayerNormSpec(eps=size.norm_eps)

    def block(layer: int) -> BlockSpec:
        attention = AttentionSpec(
            heads=size.heads,
            kv_heads=size.heads,
            head_width=size.width // size.heads,
            bias=True,
            out_bias=True,
            alignment=ScaledDot(divisor=layer + 1.0 if size.scale_by_layer else 1.0),
        )
        feedforward = PlainSpec(hidden=size.hidden, activation=size.activation)
        return BlockSpec(norm=norm, residual=Pre(), attention=attention, feedforward=feedforward)

    return TransformerSpec(
        width=size.width,
        context=size.context,
        embedding=EmbeddingSpec(size.vocab, positions=LearnedSpec(size.context)),
        blocks=tuple(block(layer) for layer in range(size.depth)),
        mask=Causal(),
        final_norm=norm,
        head=NextTokenSpec(tied=size.tied),
    )


def from_hub(config: Fields) -> TransformerSpec:
    config.refuse("scale_attn_weights", unless=True)
    config.refuse("add_cross_attention", unless=False)
    width = config.size("n_embd", 768)
    return gpt2(
        GPT2Size(
            width=width,
            depth=config.depth("n_layer", 12),
            heads=config.size("n_head", 12),
            hidden=config.size("n_inner", 4 * width),
            vocab=config.size("vocab_size", 50257),
            context=config.size("n_positions", 1024),
            norm_eps=config.number("layer_norm_epsilon", 1e-5),
            activation=config.choice("activation_function", ACTIVATIONS, "gelu_new"),
            tied=config.flag("tie_word_embeddings", True),
            scale_by_layer=config.flag("scale_attn_by_inverse_layer_idx", False),
        )
    )


def hub_rules(spec: TransformerSpec) -> Rules:
    """OpenAI's names as transformers writes them; the first release left `transformer.` out and kept the mask."""
    theirs, ours = "[transformer.]h.{i}.", "blocks.{i}."
    untied = () if spec.head is None or spec.head.tied else (rule("lm_head.weight", "head.weight"),)
    return Rules(
        (
            rule("[transformer.]wte.weight", "embedding.tokens.weight"),
            rule("[transformer.]wpe.weight", "embedding.positions.weight"),
            rule(theirs + "ln_1.{p}", ours + "attention_norm.{p}"),
            rule(
                theirs + "attn.c_attn.{p}",
                *(ours + f"attention.{part}.{{p}}" for part in ("query", "key", "value")),
                change=transposed_rows(3),
            ),
            rule(theirs + "attn.c_proj.{p}", ours + "attention.out.{p}", change=transposed_rows(1)),
            rule(theirs + "ln_2.{p}", ours + "feedforward_norm.{p}"),
            rule(theirs + "mlp.c_fc.{p}", ours + "feedforward.up.{p}", change=transposed_rows(1)),
            rule(theirs + "mlp.c_proj.{p}", ours + "feedforward.down.{p}", change=transposed_rows(1)),
            rule("[transformer.]ln_f.{p}", "final_norm.{p}"),
            *untied,
        ),
        ignore=(theirs + "attn.bias", theirs + "attn.masked_bias", *(() if untied else ("lm_head.weight",))),
    )


def from_gguf(metadata: Fields) -> TransformerSpec:
    return gpt2(
        GPT2Size(
            width=metadata.size("embedding_length"),
            depth=metadata.depth("block_count"),
            heads=metadata.size("attention.head_count"),
            hidden=metadata.size("feed_forward_length"),
            vocab=gguf.vocabulary(metadata),
            context=metadata.size("context_length"),
            norm_eps=metadata.number("attention.layer_norm_epsilon"),
            tied=gguf.tied(metadata),
        )
    )


GPT2 = Family(
    name="gpt2",
    hub=Dialect("gpt2", spec=from_hub, rules=hub_rules),
    gguf=Dialect("gpt2", spec=from_gguf, rules=gguf.gpt2_rules),
)
