"""Random tiny decoders in few bits, and what tests of the native library begin with."""

from __future__ import annotations

import os
from copy import deepcopy

import pytest
import torch
import transformers
from torch import nn

from tests.parity.test_families import CASES
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.families import FAMILIES
from unmask.families.fields import Fields
from unmask.lowering.shortcut import shorten
from unmask.native.library import Library, library
from unmask.quantization.convert import quantize_model
from unmask.quantization.schemes import SCHEMES

CONTEXT = 640
SIZES = {"max_position_embeddings": CONTEXT, "n_positions": CONTEXT}


def compiled_library() -> Library:
    """The library; without one the test is skipped, but not in CI."""
    found = library()
    if found is None:
        assert not os.environ.get("CI"), "the native library was not built"
        pytest.skip("the native library was not built: there is no C compiler")
    return found


def spec_of(settings: dict[str, object]) -> TransformerSpec:
    family = next(each for each in FAMILIES if each.hub.name == settings["model_type"])
    return family.hub.spec(Fields("config.json", settings))


def decoder(name: str, scheme: str) -> Transformer:
    kind, settings = CASES[name]
    known = {key: value for key, value in SIZES.items() if key in settings}
    config = getattr(transformers, f"{kind}Config")(**settings | known)
    torch.manual_seed(0)
    model = spec_of(config.to_dict()).build().eval()
    for parameter in model.parameters():  # far from the usual near-zero start, where mistakes would hide
        nn.init.normal_(parameter, std=0.3)
    quantize_model(model, SCHEMES[scheme])
    return model


def with_shortcut(model: Transformer) -> Transformer:
    made = deepcopy(model)
    shorten(made)
    assert made.shortcut is not None
    return made
