"""GLM: blanks of any length are filled from left to right. Source: Du et al. 2022, section 2.

A row is part A, the text with each blank as one token, and part B, what belongs in the blanks; only the caller knows
where part B begins, so the mask is theirs: `Causal() | Prefix(lengths of part A)`. By default all is part A.
"""

from __future__ import annotations

from dataclasses import dataclass

from unmask.base.errors import ArchitectureError, SpecError
from unmask.checkpoints.rules import Rules, rows, rule
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Full
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import LearnedSpec
from unmask.core.residual import Pre
from unmask.core.transformer import TransformerSpec
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields

ACTIVATION, EPS = "gelu_tanh", 1e-5
"""Those of the code that trained the published models; their configurations do not say them."""


@dataclass(frozen=True)
class GLMSize:
    """The sizes that make one of these models of another; `head` False leaves only the trunk."""

    width: int
    depth: int
    heads: int
    vocab: int
    context: int
    head: bool = True


def glm(size: GLMSize) -> TransformerSpec:
    """GPT-2's blocks, and a second table for the place within a blank (section 2.1.2)."""
    norm = LayerNormSpec(eps=EPS)
    attention = AttentionSpec(
        heads=size.heads, kv_heads=size.heads, head_width=size.width // size.heads, bias=True, out_bias=True
    )
    feedforward = PlainSpec(hidden=4 * size.width, activation=ACTIVATION)
    block = BlockSpec(norm=norm, residual=Pre(), attention=attention, feedforward=feedforward)
    table = LearnedSpec(size.context + 1)
    return TransformerSpec(
        width=size.width,
        context=size.context,
        embedding=EmbeddingSpec(size.vocab, positions=table, blanks=table),
        blocks=(block,) * size.depth,
        mask=Full(),
        final_norm=norm,
        head=NextTokenSpec(tied=True) if size.head else None,
    )


def from_hub(config: Fields) -> TransformerSpec:
    """
    Raises:
        ArchitectureError: for GLM-4, whose checkpoints have the same `model_type`.
    """
    if not config.has("num_layers") and config.has("num_hidden_layers"):
        raise ArchitectureError(
            "{where}: 'model_type' is 'glm' and there is 'num_hidden_layers', so this is GLM-4, which unmask does not "
            "have yet. The GLM of 2022 has 'num_layers'.",
            where=config.where,
        )
    config.refuse("block_position_encoding", unless=True)
    config.refuse("relative_encoding", unless=False)
    config.refuse("attention_scale", unless=1.0)
    config.refuse("spell_length", unless=None)
    return glm(
        GLMSize(
            width=config.size("hidden_size"),
            depth=config.depth("num_layers"),
            heads=config.size("num_attention_heads"),
            vocab=config.size("vocab_size"),
            context=config.size("max_sequence_length", 512),
            head=config.flag("output_predict", True),
        )
    )


def to_hub(spec: TransformerSpec) -> dict[str, object]:
    """
    Raises:
        SpecError: if the layout has no words for one of the model's parts.
    """
    size = GLMSize(
        width=spec.width,
        depth=len(spec.blocks),
        heads=spec.blocks[0].attention.heads,
        vocab=spec.embedding.vocab,
        context=spec.context,
        head=spec.head is not None,
    )
    if glm(size) != spec:
        raise SpecError(
            "The layout of {name} has no words for this model; it is not wired as the published ones are.", name="GLM"
        )
    return {
        "architectures": ["GLMModel"],
        "hidden_size": size.width,
        "num_layers": size.depth,
        "num_attention_heads": size.heads,
        "vocab_size": size.vocab,
        "max_sequence_length": size.context,
        "block_position_encoding": True,
        "relative_encoding": False,
        "attention_scale": 1.0,
        "output_predict": size.head,
    }


def hub_rules(spec: TransformerSpec) -> Rules:
    """The names of the published port; the first files leave `glm.` out."""
    theirs, ours = "[glm.]transformer.layers.{i}.", "blocks.{i}."
    parts = (ours + f"attention.{part}.{{p}}" for part in ("query", "key", "value"))
    return Rules(
        (
            rule("[glm.]word_embeddings.weight", "embedding.tokens.weight"),
            rule("[glm.]transformer.position_embeddings.weight", "embedding.positions.weight"),
            rule("[glm.]transformer.block_position_embeddings.weight", "embedding.blanks.weight"),
            rule(theirs + "input_layernorm.{p}", ours + "attention_norm.{p}"),
            rule(theirs + "attention.query_key_value.{p}", *parts, change=rows(3)),
            rule(theirs + "attention.dense.{p}", ours + "attention.out.{p}"),
            rule(theirs + "post_attention_layernorm.{p}", ours + "feedforward_norm.{p}"),
            rule(theirs + "mlp.dense_h_to_4h.{p}", ours + "feedforward.up.{p}"),
            rule(theirs + "mlp.dense_4h_to_h.{p}", ours + "feedforward.down.{p}"),
            rule("[glm.]transformer.final_layernorm.{p}", "final_norm.{p}"),
        ),
        bare=spec.head is None,
    )


GLM = Family(
    name="glm",
    hub=Dialect("glm", spec=from_hub, metadata=to_hub, rules=hub_rules),
    gguf=None,
)
