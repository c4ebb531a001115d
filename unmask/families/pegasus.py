"""Pegasus: Marian's layout with the norms before the sublayers, and one more at the end of each side.

Source: Zhang et al. 2020, section 4 and release code; its names are those of transformers' port.
"""

from __future__ import annotations

from dataclasses import replace

from unmask.base.errors import SpecError
from unmask.checkpoints.rules import Rules, rule
from unmask.core.residual import Pre
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.families import marian
from unmask.families.fields import Fields
from unmask.families.original import original

NAME = "pegasus"
PRE = Pre()


def from_hub(config: Fields) -> Seq2SeqSpec:
    config.refuse("share_encoder_decoder_embeddings", unless=True)
    return original(replace(marian.size_of(config), residual=PRE))


def to_hub(spec: Seq2SeqSpec) -> dict[str, object]:
    """
    Raises:
        SpecError: if the layout has no words for one of the model's parts.
    """
    if not spec.shared:
        raise SpecError("The layout of Pegasus has one vocabulary for both texts, and this model has two.")
    return marian.said(spec, "Pegasus", PRE) | {"architectures": ["PegasusForConditionalGeneration"]}


def hub_rules(spec: Seq2SeqSpec) -> Rules:
    """Marian's, and what the sides end in."""
    rules = marian.hub_rules(spec)
    ends = tuple(rule(f"model.{side}.layer_norm.{{p}}", f"{side}.final_norm.{{p}}") for side in marian.SIDES)
    return replace(rules, rules=rules.rules + ends)
