"""config.json of every family and the weights beside it: a model that computes, or an error of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from tests.fuzz.case import Changes, Files, Parser
from tests.fuzz.chance import Chance
from tests.fuzz.damage import broken_json
from tests.fuzz.models import CONFIGS, hub_folder
from tests.fuzz.safetensors import NAME, broken_header
from unmask.families.load import build
from unmask.families.open import Opened, open_checkpoint


def samples() -> Mapping[str, Files]:
    return {name: hub_folder(name) for name in CONFIGS}


def damage(chance: Chance, name: str, files: Files) -> Changes:
    if chance.between(0, 3):
        return {"config.json": broken_json(chance, files["config.json"].decode())}
    return {NAME: broken_header(chance, files[NAME])}


def read(folder: Path) -> None:
    run(open_checkpoint(folder))


def run(checkpoint: Opened) -> None:
    """Fill the model, and let it compute: what was accepted must give hidden states of the right shape."""
    model, _ = build(checkpoint, dtype=None, device=torch.device("cpu"), quantize=None)
    tokens = torch.arange(min(3, checkpoint.spec.embedding.vocab, checkpoint.spec.context))[None]
    with torch.inference_mode():
        hidden = model(tokens)
        assert hidden.shape == (*tokens.shape, checkpoint.spec.width)
        if model.head is not None:
            assert model.logits(tokens).shape == (*tokens.shape, checkpoint.spec.embedding.vocab)


CONFIG = Parser("config", samples, damage, read)
