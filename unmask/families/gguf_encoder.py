"""Encoders of BERT's wiring in GGUF files, which hold the trunk only."""

from __future__ import annotations

from unmask.base.errors import SpecError
from unmask.base.language import say
from unmask.checkpoints.rules import Change, Rules, rule
from unmask.core.feedforward import PlainSpec
from unmask.core.pooling import PoolingSpec
from unmask.core.positions import LearnedSpec
from unmask.core.transformer import TransformerSpec
from unmask.families import gguf
from unmask.families.encoder import EncoderSize, encoder
from unmask.families.family import Dialect
from unmask.families.fields import Fields
from unmask.families.sentence import Sentence

POOLINGS = {1: "mean", 2: "first", 3: "last"}
"""llama.cpp's numbers; 0 is no pooling, 4 a reranker's."""


def from_gguf(metadata: Fields) -> TransformerSpec:
    metadata.refuse("attention.causal", unless=False)
    return encoder(
        EncoderSize(
            width=metadata.size("embedding_length"),
            depth=metadata.depth("block_count"),
            heads=metadata.size("attention.head_count"),
            hidden=metadata.size("feed_forward_length"),
            vocab=gguf.vocabulary(metadata),
            segments=gguf.rows_of(metadata, "token_types.weight"),
            positions=LearnedSpec(gguf.rows_of(metadata, "position_embd.weight")),
            norm_eps=metadata.number("attention.layer_norm_epsilon"),
            activation="gelu",
            head=False,
            summary=None,
        )
    )


def to_gguf(spec: TransformerSpec) -> dict[str, object]:
    block = spec.blocks[0]
    assert isinstance(block.feedforward, PlainSpec)
    usual = block.feedforward.activation == "gelu"
    gguf.require("bert", told=usual, what=say("another activation than {usual}", usual="gelu"))
    return {
        "context_length": spec.context,
        "embedding_length": spec.width,
        "block_count": len(spec.blocks),
        "feed_forward_length": block.feedforward.hidden,
        "attention.head_count": block.attention.heads,
        "attention.layer_norm_epsilon": block.norm.eps,
        "attention.causal": False,
    }


def read_sentence(metadata: Fields, spec: TransformerSpec) -> Sentence | None:
    """How rows become vectors, where the file says so. What llama.cpp makes of them it brings to length 1."""
    if not metadata.has("pooling_type"):
        return None
    kind = metadata.count("pooling_type")
    if kind not in POOLINGS:
        return None
    return Sentence(PoolingSpec((POOLINGS[kind],)), longest=spec.context)


def sentence_metadata(sentence: Sentence) -> dict[str, object]:
    """The key that `read_sentence` reads.

    Raises:
        SpecError: if the pooling has no number in GGUF.
    """
    numbers = {way: number for number, way in POOLINGS.items()}
    if len(sentence.pooling.ways) != 1 or sentence.pooling.ways[0] not in numbers:
        raise SpecError(
            "GGUF has no number for pooling by {ways}; it has {known}.",
            ways=", ".join(sentence.pooling.ways),
            known=", ".join(numbers),
        )
    return {"pooling_type": numbers[sentence.pooling.ways[0]]}


def without(first: int) -> Change:
    """A table without its first rows, on the way out. Nothing brings them back: no text uses them."""
    return Change(take=lambda theirs: [theirs], give=lambda ours: ours[0][first:])


def rules(spec: TransformerSpec) -> Rules:
    theirs, ours = "blk.{i}.", "blocks.{i}."
    positions = spec.embedding.positions
    return Rules(
        (
            rule("token_embd.weight", "embedding.tokens.weight"),
            rule(
                "position_embd.weight",
                "embedding.positions.weight",
                change=without(positions.first if isinstance(positions, LearnedSpec) else 0),
            ),
            rule("token_types.weight", "embedding.segments.weight"),
            rule("token_embd_norm.{p}", "embedding.norm.{p}"),
            rule(theirs + "attn_q.{p}", ours + "attention.query.{p}"),
            rule(theirs + "attn_k.{p}", ours + "attention.key.{p}"),
            rule(theirs + "attn_v.{p}", ours + "attention.value.{p}"),
            rule(theirs + "attn_output.{p}", ours + "attention.out.{p}"),
            rule(theirs + "attn_output_norm.{p}", ours + "attention_norm.{p}"),
            rule(theirs + "ffn_up.{p}", ours + "feedforward.up.{p}"),
            rule(theirs + "ffn_down.{p}", ours + "feedforward.down.{p}"),
            rule(theirs + "layer_output_norm.{p}", ours + "feedforward_norm.{p}"),
        )
    )


BERT = Dialect("bert", spec=from_gguf, metadata=to_gguf, rules=rules)
