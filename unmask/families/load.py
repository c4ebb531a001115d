"""A local checkpoint to a model: its headers give the spec, and its rules fill it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from unmask.checkpoints.gguf import Gguf
from unmask.checkpoints.rules import Report
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.families import gguf_encoder
from unmask.families.build import build
from unmask.families.files import read_json
from unmask.families.open import open_checkpoint
from unmask.families.sentence import Sentence, read_sentence
from unmask.lowering.shortcut import shorten
from unmask.quantization.census import schemes
from unmask.text import formats
from unmask.text.chat import ChatTemplate
from unmask.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory, and what came with it."""

    family: str
    spec: TransformerSpec
    model: Transformer
    report: Report
    tokenizer: Tokenizer | None
    template: ChatTemplate | None
    sentence: Sentence | None
    """How texts become vectors, where that is what the model was made for."""
    advice: Mapping[str, object]
    """The makers' sampling settings (generation_config.json); empty where they gave none."""


def load_checkpoint(
    path: Path,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    allow_pickle: bool = False,
    quantize: str | None = None,
) -> Loaded:
    """Read a checkpoint whole: weights, tokenizer, template.

    Args:
        dtype: None keeps the stored one (float32 for GGUF, whose blocks are unpacked here).
        quantize: a scheme's name, or "stored" for a GGUF's blocks as they are; None is exact.
    Raises:
        CheckpointError: as in `open_checkpoint`, or if the weights do not fit the spec.
        RequestError: if `dtype` or `quantize` cannot be had of this checkpoint.
        TokenizerError, TemplateError: if what came with the weights is broken.
    """
    checkpoint = open_checkpoint(path, allow_pickle=allow_pickle)
    model, report = build(checkpoint, dtype=dtype, device=device, quantize=quantize)
    if schemes(model):
        shorten(model)
    family, spec = checkpoint.family, checkpoint.spec
    if isinstance(checkpoint.source, Gguf):
        metadata = checkpoint.source.metadata
        tokenizer, template = formats.read_gguf(metadata), formats.gguf_template(metadata)
        sentence = gguf_encoder.read_sentence(checkpoint.fields, spec)
        return Loaded(family, spec, model, report, tokenizer, template, sentence, advice={})
    folder = checkpoint.path
    tokenizer, template = formats.read_folder(folder), formats.folder_template(folder)
    settings = folder / "generation_config.json"
    advice = read_json(settings) if settings.exists() else {}
    return Loaded(family, spec, model, report, tokenizer, template, read_sentence(folder, spec), advice)
