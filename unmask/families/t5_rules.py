"""What T5's tensors are called."""

from __future__ import annotations

from unmask.checkpoints.rules import Rule, Rules, rule
from unmask.core.feedforward import GatedSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.seq2seq import Seq2SeqSpec

THINKS = {"encoder": 1, "decoder": 2}
"""Which of a block's sublayers is the feed-forward."""
PARTS = {"q": "query", "k": "key", "v": "value", "o": "out"}
GATED, PLAIN = {"wi_0": "gate", "wi_1": "up", "wo": "down"}, {"wi": "up", "wo": "down"}
DISTANCES = "relative_attention_bias.weight"


def hub_rules(spec: Seq2SeqSpec) -> Rules:
    """Of what has several names there, the first is kept."""
    head = spec.decoder.head
    tied = isinstance(head, NextTokenSpec) and head.tied
    gated = isinstance(spec.decoder.blocks[0].feedforward, GatedSpec)
    return Rules(
        (
            rule("shared.weight", "encoder.embedding.tokens.weight"),
            *(each for side in THINKS for each in stack_rules(side, gated=gated)),
            *attention_rules("decoder", "1.EncDecAttention", "memory_attention"),
            rule("decoder.block.{i}.layer.1.layer_norm.weight", "decoder.blocks.{i}.memory_norm.weight"),
            *([] if tied else [rule("lm_head.weight", "decoder.head.weight")]),
        ),
        ignore=(
            *(f"{side}.embed_tokens.weight" for side in THINKS),
            f"decoder.block.0.layer.1.EncDecAttention.{DISTANCES}",
            *(["lm_head.weight"] if tied else []),
        ),
    )


def stack_rules(side: str, *, gated: bool) -> tuple[Rule, ...]:
    """All of one side but its look at the other."""
    theirs, ours, thinks = f"{side}.block.{{i}}.layer", f"{side}.blocks.{{i}}", THINKS[side]
    return (
        rule(f"{side}.block.0.layer.0.SelfAttention.{DISTANCES}", f"{side}.relative.table.weight"),
        *attention_rules(side, "0.SelfAttention", "attention"),
        rule(f"{theirs}.0.layer_norm.weight", f"{ours}.attention_norm.weight"),
        *(
            rule(f"{theirs}.{thinks}.DenseReluDense.{word}.weight", f"{ours}.feedforward.{part}.weight")
            for word, part in (GATED if gated else PLAIN).items()
        ),
        rule(f"{theirs}.{thinks}.layer_norm.weight", f"{ours}.feedforward_norm.weight"),
        rule(f"{side}.final_layer_norm.weight", f"{side}.final_norm.weight"),
    )


def attention_rules(side: str, name: str, kind: str) -> tuple[Rule, ...]:
    theirs, ours = f"{side}.block.{{i}}.layer.{name}", f"{side}.blocks.{{i}}.{kind}"
    return tuple(rule(f"{theirs}.{word}.weight", f"{ours}.{part}.weight") for word, part in PARTS.items())
