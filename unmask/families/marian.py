"""Marian: the layout in which translators of the first Transformer's wiring are published (OPUS-MT).

Source: Junczys-Dowmunt et al. 2018, section 2; its names are those of transformers' port.
"""

from __future__ import annotations

from unmask.base.errors import SpecError
from unmask.checkpoints.rules import Change, Rule, Rules, rule
from unmask.core.residual import Residual
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.families import hub
from unmask.families.fields import Fields
from unmask.families.original import POST, OriginalSize, StackSize, original

NAME = "marian"
SIDES = ("encoder", "decoder")
ONE_ROW = Change(take=lambda theirs: [theirs[0]], give=lambda ours: ours[0][None], shape=lambda shapes: (1, *shapes[0]))
"""[1, V] to [V]."""


def from_hub(config: Fields) -> Seq2SeqSpec:
    return original(size_of(config))


def size_of(config: Fields) -> OriginalSize:
    """The sizes, as Marian and those that follow it say them."""
    config.refuse("tie_word_embeddings", unless=True)
    config.refuse("normalize_before", unless=False)
    config.refuse("normalize_embedding", unless=False)
    config.refuse("add_final_layer_norm", unless=False)
    config.refuse("static_position_embeddings", unless=True)

    def side(name: str) -> StackSize:
        depth, heads = config.depth(f"{name}_layers", 12), config.size(f"{name}_attention_heads", 16)
        return StackSize(depth, heads, hidden=config.size(f"{name}_ffn_dim", 4096))

    vocab, shared = config.size("vocab_size", 58101), config.flag("share_encoder_decoder_embeddings", True)
    return OriginalSize(
        width=config.size("d_model", 1024),
        encoder=side("encoder"),
        decoder=side("decoder"),
        vocab=vocab,
        target_vocab=None if shared else config.size("decoder_vocab_size", vocab),
        context=config.size("max_position_embeddings", 1024),
        activation=config.choice("activation_function", hub.ACTIVATIONS, "gelu"),
        scaled=config.flag("scale_embedding", False),
    )


def to_hub(spec: Seq2SeqSpec) -> dict[str, object]:
    """
    Raises:
        SpecError: if the layout has no words for one of the model's parts.
    """
    return said(spec, "Marian", POST) | {"architectures": ["MarianMTModel"]}


def said(spec: Seq2SeqSpec, name: str, residual: Residual) -> dict[str, object]:
    """The sizes in the words of the layout of that name, which has its norms so; raises as `to_hub`."""
    stacks = (spec.encoder, spec.decoder)
    blocks = [each.blocks[0] for each in stacks]
    encoder, decoder = (
        StackSize(len(each.blocks), block.attention.heads, block.feedforward.hidden)
        for each, block in zip(stacks, blocks, strict=True)
    )
    size = OriginalSize(
        width=spec.decoder.width,
        encoder=encoder,
        decoder=decoder,
        vocab=spec.encoder.embedding.vocab,
        target_vocab=None if spec.shared else spec.vocab,
        context=spec.decoder.context,
        activation=blocks[1].feedforward.activation,
        scaled=spec.decoder.embedding.scaled,
        residual=residual,
    )
    if original(size) != spec:
        raise SpecError(
            "The layout of {name} has no words for this model; it is not wired as the published ones are.", name=name
        )
    return {
        "d_model": size.width,
        "vocab_size": size.vocab,
        "decoder_vocab_size": spec.vocab,
        "max_position_embeddings": size.context,
        "activation_function": hub.activation_name(size.activation),
        "scale_embedding": size.scaled,
        "tie_word_embeddings": True,
        "share_encoder_decoder_embeddings": spec.shared,
        **{f"{name}_layers": side.depth for name, side in zip(SIDES, (encoder, decoder), strict=True)},
        **{f"{name}_attention_heads": side.heads for name, side in zip(SIDES, (encoder, decoder), strict=True)},
        **{f"{name}_ffn_dim": side.hidden for name, side in zip(SIDES, (encoder, decoder), strict=True)},
    }


def hub_rules(spec: Seq2SeqSpec) -> Rules:
    """Of what has several names there, the first is kept; the waves of positions follow from the sizes."""
    both = {"model.shared.weight": "encoder.embedding.tokens.weight"}
    own = {f"model.{side}.embed_tokens.weight": f"{side}.embedding.tokens.weight" for side in SIDES}
    return Rules(
        (
            *(rule(theirs, ours) for theirs, ours in (both if spec.shared else own).items()),
            *stack_rules("encoder"),
            *stack_rules("decoder"),
            *attention_rules("decoder", "encoder_attn", "memory"),
            rule("final_logits_bias", "decoder.head.bias", change=ONE_ROW),
        ),
        ignore=(
            *(f"model.{side}.embed_positions.weight" for side in SIDES),
            *(own if spec.shared else ()),
            "lm_head.weight",
        ),
    )


def stack_rules(side: str) -> tuple[Rule, ...]:
    theirs, ours = f"model.{side}.layers.{{i}}.", f"{side}.blocks.{{i}}."
    return (
        *attention_rules(side, "self_attn", "attention"),
        rule(theirs + "fc1.{p}", ours + "feedforward.up.{p}"),
        rule(theirs + "fc2.{p}", ours + "feedforward.down.{p}"),
        rule(theirs + "final_layer_norm.{p}", ours + "feedforward_norm.{p}"),
    )


def attention_rules(side: str, name: str, kind: str) -> tuple[Rule, ...]:
    """An attention and its norm: `kind` is "attention" or "memory"."""
    theirs, ours = f"model.{side}.layers.{{i}}.{name}", f"{side}.blocks.{{i}}.{kind}"
    attention = ours if kind == "attention" else f"{ours}_attention"
    parts = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}
    return (
        *(rule(f"{theirs}.{word}.{{p}}", f"{attention}.{part}.{{p}}") for word, part in parts.items()),
        rule(theirs + "_layer_norm.{p}", ours + "_norm.{p}"),
    )
