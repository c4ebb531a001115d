"""What encoders of BERT's wiring share: sizes, spec, and how the Hub's layout names them."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.checkpoints.rules import Rule, rule
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import PlainSpec
from unmask.core.heads import MaskedTokenSpec, SummarySpec
from unmask.core.masks import Full
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import LearnedSpec
from unmask.core.residual import Post
from unmask.core.transformer import TransformerSpec
from unmask.families import hub
from unmask.families.fields import Fields


@dataclass(frozen=True)
class EncoderSize:
    """The sizes that make one of these models of another, and which of its heads are there."""

    width: int
    depth: int
    heads: int
    hidden: int
    vocab: int
    segments: int
    positions: LearnedSpec
    norm_eps: float
    activation: str
    head: bool
    """Fills blanks."""
    summary: SummarySpec | None
    tied: bool = True


def encoder(size: EncoderSize) -> TransformerSpec:
    """Blocks with biases everywhere and the norm after each sum; the first norm is that of the embedding."""
    norm = LayerNormSpec(eps=size.norm_eps)
    attention = AttentionSpec(
        heads=size.heads, kv_heads=size.heads, head_width=size.width // size.heads, bias=True, out_bias=True
    )
    feedforward = PlainSpec(hidden=size.hidden, activation=size.activation)
    block = BlockSpec(norm=norm, residual=Post(), attention=attention, feedforward=feedforward)
    return TransformerSpec(
        width=size.width,
        context=size.positions.length,
        embedding=EmbeddingSpec(size.vocab, positions=size.positions, segments=size.segments, norm=norm),
        blocks=(block,) * size.depth,
        mask=Full(),
        final_norm=None,
        head=MaskedTokenSpec(activation=size.activation, norm=norm, tied=size.tied) if size.head else None,
        summary=size.summary,
    )


def hub_size(config: Fields, *, head: str, classes: str | None = None, first: int = 0) -> EncoderSize:
    """Sizes under the names of config.json. Which heads are there, only the tensors say for sure.

    Args:
        head, classes: the tensors by which those heads are known.
        first: rows of the position table that no text uses.
    """
    config.refuse("is_decoder", unless=False)
    config.refuse("add_cross_attention", unless=False)
    config.refuse("position_embedding_type", unless="absolute")
    summary = SummarySpec(classes=2 if classes and hub.holds(config, classes) else None)
    return EncoderSize(
        width=config.size("hidden_size", 768),
        depth=config.depth("num_hidden_layers", 12),
        heads=config.size("num_attention_heads", 12),
        hidden=config.size("intermediate_size", 3072),
        vocab=config.size("vocab_size"),
        segments=config.size("type_vocab_size", 2),
        positions=LearnedSpec(config.size("max_position_embeddings", 512, smallest=first + 1) - first, first=first),
        norm_eps=config.number("layer_norm_eps", 1e-12),
        activation=config.choice("hidden_act", hub.ACTIVATIONS, "gelu"),
        head=hub.holds(config, head),
        summary=summary if hub.holds(config, "pooler.dense.weight") else None,
        tied=config.flag("tie_word_embeddings", True),
    )


def hub_config(spec: TransformerSpec) -> dict[str, object]:
    """The fields that `hub_size` reads."""
    block, positions = spec.blocks[0], spec.embedding.positions
    assert isinstance(positions, LearnedSpec)
    assert isinstance(block.feedforward, PlainSpec)
    return {
        "hidden_size": spec.width,
        "num_hidden_layers": len(spec.blocks),
        "num_attention_heads": block.attention.heads,
        "intermediate_size": block.feedforward.hidden,
        "vocab_size": spec.embedding.vocab,
        "type_vocab_size": spec.embedding.segments,
        "max_position_embeddings": positions.first + positions.length,
        "layer_norm_eps": block.norm.eps,
        "hidden_act": hub.activation_name(block.feedforward.activation),
        "tie_word_embeddings": not isinstance(spec.head, MaskedTokenSpec) or spec.head.tied,
    }


def trunk_rules(prefix: str) -> tuple[Rule, ...]:
    """Everything but the heads, under `prefix`, which is left out where only the trunk was saved."""
    theirs, ours = f"[{prefix}.]encoder.layer.{{i}}.", "blocks.{i}."
    return (
        rule(f"[{prefix}.]embeddings.word_embeddings.weight", "embedding.tokens.weight"),
        rule(f"[{prefix}.]embeddings.position_embeddings.weight", "embedding.positions.weight"),
        rule(f"[{prefix}.]embeddings.token_type_embeddings.weight", "embedding.segments.weight"),
        rule(f"[{prefix}.]embeddings.LayerNorm.{{n}}", "embedding.norm.{n}"),
        rule(theirs + "attention.self.query.{p}", ours + "attention.query.{p}"),
        rule(theirs + "attention.self.key.{p}", ours + "attention.key.{p}"),
        rule(theirs + "attention.self.value.{p}", ours + "attention.value.{p}"),
        rule(theirs + "attention.output.dense.{p}", ours + "attention.out.{p}"),
        rule(theirs + "attention.output.LayerNorm.{n}", ours + "attention_norm.{n}"),
        rule(theirs + "intermediate.dense.{p}", ours + "feedforward.up.{p}"),
        rule(theirs + "output.dense.{p}", ours + "feedforward.down.{p}"),
        rule(theirs + "output.LayerNorm.{n}", ours + "feedforward_norm.{n}"),
        rule(f"[{prefix}.]pooler.dense.{{p}}", "summary.dense.{p}"),
    )
