"""T5: an encoder-decoder in which tokens know how far apart they are, and nothing else of where they stand.

Sources: Raffel et al. 2020, section 2.1; version 1.1 has gates (Shazeer 2020) and a head of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unmask.base.errors import SpecError
from unmask.core.alignment import Dot
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import GatedSpec, PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Causal, Full
from unmask.core.norms import RMSNormSpec
from unmask.core.positions import RelativeSpec
from unmask.core.residual import Pre
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.core.transformer import TransformerSpec
from unmask.families import hub
from unmask.families.fields import Fields

NAME = "t5"
GATED = "gated "
PROJECTIONS: Mapping[str, str] = {"relu": "relu", "gated-gelu": GATED + "gelu_tanh", "gated-silu": GATED + "silu"}
"""Their words for what is between two layers -> our activation, and before it whether it gates."""


@dataclass(frozen=True)
class T5Size:
    """What makes one of these models of another; `encoder` and `decoder` are their depths."""

    width: int
    encoder: int
    decoder: int
    heads: int
    head_width: int
    hidden: int
    vocab: int
    context: int
    projection: str
    buckets: int
    reach: int
    norm_eps: float
    tied: bool
    shrunk: bool


def t5(size: T5Size) -> Seq2SeqSpec:
    """No biases, norms before each sublayer, scores that are not scaled."""

    def stack(depth: int, both: bool) -> TransformerSpec:
        return TransformerSpec(
            width=size.width,
            context=size.context,
            embedding=EmbeddingSpec(size.vocab),
            blocks=(block,) * depth,
            mask=Full(),
            final_norm=norm,
            head=None,
            relative=RelativeSpec(size.buckets, size.reach, both=both),
        )

    norm = RMSNormSpec(size.norm_eps)
    gated, bent = size.projection.startswith(GATED), size.projection.removeprefix(GATED)
    block = BlockSpec(
        attention=AttentionSpec(size.heads, size.heads, size.head_width, alignment=Dot()),
        feedforward=GatedSpec(size.hidden, bent) if gated else PlainSpec(size.hidden, bent, bias=False),
        norm=norm,
        residual=Pre(),
    )
    writer, blocks = stack(size.decoder, both=False), (replace(block, memory=block.attention),) * size.decoder
    decoder = replace(writer, blocks=blocks, mask=Causal(), head=NextTokenSpec(tied=size.tied))
    return Seq2SeqSpec(stack(size.encoder, both=True), decoder, shared=True, shrunk=size.shrunk)


def from_hub(config: Fields) -> Seq2SeqSpec:
    # Saved anew by transformers, 1.1 calls itself tied, and says here that its head does not read as a tied one does.
    shrunk = config.flag("scale_decoder_outputs", config.flag("tie_word_embeddings", True))
    return t5(
        T5Size(
            width=config.size("d_model", 512),
            encoder=config.depth("num_layers", 6),
            decoder=config.depth("num_decoder_layers", config.depth("num_layers", 6)),
            heads=config.size("num_heads", 8),
            head_width=config.size("d_kv", 64),
            hidden=config.size("d_ff", 2048),
            vocab=config.size("vocab_size", 32128),
            context=config.size("n_positions", 512),
            projection=config.choice("feed_forward_proj", PROJECTIONS, "relu"),
            buckets=config.size("relative_attention_num_buckets", 32),
            reach=config.size("relative_attention_max_distance", 128),
            norm_eps=config.number("layer_norm_epsilon", 1e-6),
            tied=shrunk or not hub.holds(config, "lm_head.weight"),
            shrunk=shrunk,
        )
    )


def to_hub(spec: Seq2SeqSpec) -> dict[str, object]:
    """
    Raises:
        SpecError: if the layout has no words for one of the model's parts.
    """
    unsaid = SpecError(
        "The layout of {name} has no words for this model; it is not wired as the published ones are.", name="T5"
    )
    block, relative, head = spec.decoder.blocks[0], spec.decoder.relative, spec.decoder.head
    bent = block.feedforward.activation
    if relative is None or not isinstance(block.norm, RMSNormSpec) or not isinstance(head, NextTokenSpec):
        raise unsaid
    size = T5Size(
        width=spec.decoder.width,
        encoder=len(spec.encoder.blocks),
        decoder=len(spec.decoder.blocks),
        heads=block.attention.heads,
        head_width=block.attention.head_width,
        hidden=block.feedforward.hidden,
        vocab=spec.vocab,
        context=spec.decoder.context,
        projection=GATED + bent if isinstance(block.feedforward, GatedSpec) else bent,
        buckets=relative.buckets,
        reach=relative.reach,
        norm_eps=block.norm.eps,
        tied=head.tied,
        shrunk=spec.shrunk,
    )
    words = {ours: theirs for theirs, ours in PROJECTIONS.items()}
    if t5(size) != spec or size.projection not in words or (size.shrunk and not size.tied):
        raise unsaid
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "d_model": size.width,
        "num_layers": size.encoder,
        "num_decoder_layers": size.decoder,
        "num_heads": size.heads,
        "d_kv": size.head_width,
        "d_ff": size.hidden,
        "vocab_size": size.vocab,
        "n_positions": size.context,
        "feed_forward_proj": words[size.projection],
        "relative_attention_num_buckets": size.buckets,
        "relative_attention_max_distance": size.reach,
        "layer_norm_epsilon": size.norm_eps,
        "tie_word_embeddings": size.shrunk,
    }
