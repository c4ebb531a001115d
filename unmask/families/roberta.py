"""RoBERTa and XLM-R: BERT's wiring, trained on blanks only.

Sources: Liu et al. 2019, section 4; Conneau et al. 2020, section 3.
"""

from __future__ import annotations

from unmask.checkpoints.rules import Rules, rule
from unmask.core.heads import MaskedTokenSpec
from unmask.core.positions import LearnedSpec
from unmask.core.transformer import TransformerSpec
from unmask.families import gguf_encoder
from unmask.families.encoder import encoder, hub_config, hub_size, trunk_rules
from unmask.families.family import Dialect, Family
from unmask.families.fields import Fields

PADDING = 1
"""The usual id of padding. Positions were counted from the row after that number in the table."""


def from_hub(config: Fields) -> TransformerSpec:
    padding = config.size("pad_token_id", PADDING)
    return encoder(hub_size(config, head="lm_head.dense.weight", first=padding + 1))


def to_hub(spec: TransformerSpec, name: str) -> dict[str, object]:
    positions = spec.embedding.positions
    assert isinstance(positions, LearnedSpec)
    kind = "Model" if spec.head is None else "ForMaskedLM"
    return {"architectures": [name + kind], "pad_token_id": positions.first - 1, **hub_config(spec)}


def hub_rules(spec: TransformerSpec) -> Rules:
    """Their names as transformers writes them; of what a tied head has twice, one is left out."""
    tied = not isinstance(spec.head, MaskedTokenSpec) or spec.head.tied
    return Rules(
        (
            *trunk_rules("roberta"),
            rule("lm_head.dense.{p}", "head.dense.{p}"),
            rule("lm_head.layer_norm.{n}", "head.norm.{n}"),
            rule("lm_head.bias", "head.out.bias") if tied else rule("lm_head.decoder.{p}", "head.out.{p}"),
        ),
        ignore=(
            "[roberta.]embeddings.position_ids",
            *(("lm_head.decoder.weight", "lm_head.decoder.bias") if tied else ("lm_head.bias",)),
        ),
        bare=spec.head is None,
    )


ROBERTA = Family(
    name="roberta",
    hub=Dialect("roberta", spec=from_hub, metadata=lambda spec: to_hub(spec, "Roberta"), rules=hub_rules),
    gguf=gguf_encoder.BERT,
)

XLM_ROBERTA = Family(
    name="xlm-roberta",
    hub=Dialect("xlm-roberta", spec=from_hub, metadata=lambda spec: to_hub(spec, "XLMRoberta"), rules=hub_rules),
    gguf=gguf_encoder.BERT,
)
