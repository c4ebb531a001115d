"""What families share in GGUF files: names of tensors, and what is said only by the tensors there."""

from __future__ import annotations

from unmask.base.errors import CheckpointError
from unmask.checkpoints.rules import SAME, Change, Rules, halved_pairs, rows, rule
from unmask.checkpoints.source import TensorSource
from unmask.core.positions import FactorScaling, LinearScaling, Rotary, Scaling, YarnScaling
from unmask.core.transformer import TransformerSpec
from unmask.families.fields import Fields

ROTARY_FACTORS = "rope_freqs.weight"


def decoder_rules(spec: TransformerSpec, *, query: Change = SAME, key: Change = SAME) -> Rules:
    """Names of GGUF's specification for decoders of the Llama wiring."""
    theirs, ours = "blk.{i}.", "blocks.{i}."
    return Rules(
        (
            rule("token_embd.weight", "embedding.tokens.weight"),
            rule(theirs + "attn_norm.{p}", ours + "attention_norm.{p}"),
            rule(theirs + "attn_q.{p}", ours + "attention.query.{p}", change=query),
            rule(theirs + "attn_k.{p}", ours + "attention.key.{p}", change=key),
            rule(theirs + "attn_v.{p}", ours + "attention.value.{p}"),
            rule(theirs + "attn_output.{p}", ours + "attention.out.{p}"),
            rule(theirs + "attn_q_norm.{p}", ours + "attention.query_norm.{p}"),
            rule(theirs + "attn_k_norm.{p}", ours + "attention.key_norm.{p}"),
            rule(theirs + "ffn_norm.{p}", ours + "feedforward_norm.{p}"),
            rule(theirs + "ffn_gate.{p}", ours + "feedforward.gate.{p}"),
            rule(theirs + "ffn_up.{p}", ours + "feedforward.up.{p}"),
            rule(theirs + "ffn_down.{p}", ours + "feedforward.down.{p}"),
            rule("output_norm.{p}", "final_norm.{p}"),
            rule("output.weight", "head.weight"),
        ),
        ignore=(ROTARY_FACTORS,),  # read into the spec by `rotary`
    )


def decoder_rules_in_pairs(spec: TransformerSpec) -> Rules:
    """The same for files whose queries and keys are in the order of neighbouring pairs."""
    attention = spec.blocks[0].attention
    return decoder_rules(spec, query=halved_pairs(attention.heads), key=halved_pairs(attention.kv_heads))


def gpt2_rules(spec: TransformerSpec) -> Rules:
    """GPT-2 keeps query, key and value in one matrix."""
    theirs, ours = "blk.{i}.", "blocks.{i}."
    parts = (ours + f"attention.{part}.{{p}}" for part in ("query", "key", "value"))
    return Rules(
        (
            rule("token_embd.weight", "embedding.tokens.weight"),
            rule("position_embd.weight", "embedding.positions.weight"),
            rule(theirs + "attn_norm.{p}", ours + "attention_norm.{p}"),
            rule(theirs + "attn_qkv.{p}", *parts, change=rows(3)),
            rule(theirs + "attn_output.{p}", ours + "attention.out.{p}"),
            rule(theirs + "ffn_norm.{p}", ours + "feedforward_norm.{p}"),
            rule(theirs + "ffn_up.{p}", ours + "feedforward.up.{p}"),
            rule(theirs + "ffn_down.{p}", ours + "feedforward.down.{p}"),
            rule("output_norm.{p}", "final_norm.{p}"),
            rule("output.weight", "head.weight"),
        )
    )


def source(metadata: Fields) -> TensorSource:
    assert metadata.source is not None, "GGUF metadata always comes with its tensors"
    return metadata.source


def vocabulary(metadata: Fields) -> int:
    """Rows of the token embedding; the metadata may not say.

    Raises:
        CheckpointError: if the file has no token embedding.
    """
    embedding = source(metadata).tensors.get("token_embd.weight")
    if embedding is None:
        raise CheckpointError("{where}: there is no tensor 'token_embd.weight'.", where=metadata.where)
    return embedding.shape[0]


def tied(metadata: Fields) -> bool:
    """A file without an output matrix reads its answers out with the embedding."""
    return "output.weight" not in source(metadata).tensors


def rotary(metadata: Fields, *, width: int) -> Rotary:
    """The rotation that a file describes, by metadata or by one factor for each pair of channels."""
    metadata.refuse("rope.dimension_count", unless=width)
    return Rotary(width=width, theta=metadata.number("rope.freq_base", 10_000.0), scaling=scaling(metadata))


def scaling(metadata: Fields) -> Scaling | None:
    if ROTARY_FACTORS in source(metadata).tensors:
        return FactorScaling(factors=tuple(source(metadata).read(ROTARY_FACTORS).tolist()))
    kinds = {"none": "none", "linear": "linear", "yarn": "yarn"}
    kind = metadata.choice("rope.scaling.type", kinds, "none")
    if kind == "none":
        return None
    factor = metadata.number("rope.scaling.factor")
    if kind == "linear":
        return LinearScaling(factor=factor)
    return YarnScaling(factor=factor, original=metadata.size("rope.scaling.original_context_length"))
