"""Encoder-decoders: a folder in the Hub's layout to a model, and back to one that transformers loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from unmask.checkpoints.safetensors_writer import write_safetensors
from unmask.core.seq2seq import Seq2Seq
from unmask.core.widening import wants_widening, widen
from unmask.families.build import fill
from unmask.families.open_seq2seq import Opened, forbidden, ids_of, open_seq2seq
from unmask.families.outgoing import outgoing
from unmask.families.save import write_json
from unmask.families.translators import LAYOUTS, PairModel, PairSpec
from unmask.lowering.shortcut import shorten
from unmask.quantization.census import schemes
from unmask.text.pairs import read_pair, write_pair
from unmask.text.settings import Settings
from unmask.text.tokenizer import Tokenizer

__all__ = ["LoadedSeq2Seq", "Opened", "load_seq2seq", "open_seq2seq", "save_seq2seq"]

ADVICE = (
    "early_stopping",
    "forced_eos_token_id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "no_repeat_ngram_size",
    "num_beams",
)
"""What the makers may say of how to search."""


@dataclass(frozen=True)
class LoadedSeq2Seq:
    """An encoder-decoder in memory, and what came with it."""

    family: str
    """Its name among LAYOUTS."""
    spec: PairSpec
    model: PairModel
    source: Tokenizer | None
    target: Tokenizer | None
    """Of what it writes; the same object as `source` where one vocabulary serves both."""
    start: int | None
    """The token that begins what it writes."""
    ends: frozenset[int]
    """The tokens that end it. What it reads ends as `source` says."""
    pad: int | None = None
    never: frozenset[int] = frozenset()
    """The tokens that the makers forbid it to write."""
    advice: Mapping[str, object] = field(default_factory=dict)
    """The makers' settings for a search, as in ADVICE; empty where they gave none."""


def load_seq2seq(
    folder: Path,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    allow_pickle: bool = False,
    quantize: str | None = None,
) -> LoadedSeq2Seq:
    """Read a folder whole.

    Args:
        dtype: None keeps the stored one.
        allow_pickle: read `.bin` weights where there are no others.
        quantize: a scheme's name; None is exact.
    Raises:
        ArchitectureError: if it holds no encoder-decoder that we have.
        CheckpointError: if the files are not what they claim to be, or do not fit together.
        RequestError: if `dtype` or `quantize` cannot be had of this checkpoint.
        TokenizerError: if the tokenizer beside them is broken.
    """
    opened = open_seq2seq(folder, allow_pickle=allow_pickle)
    with torch.device("meta"):
        model = opened.spec.build()
    fill(model, opened, opened.source, dtype=dtype, device=device, quantize=quantize)
    if not schemes(model) and wants_widening(model.dtype, device):
        widen(model)
    if isinstance(model, Seq2Seq) and model.dtype == torch.float32:  # so are the vectors of quantized ones
        shorten(model)
    source, target = read_pair(folder)
    said = Settings(folder)
    start, pad = (ids_of(opened, said.ids(name)) for name in ("decoder_start_token_id", "pad_token_id"))
    return LoadedSeq2Seq(
        opened.family,
        opened.spec,
        model.eval(),
        source,
        target,
        start=next(iter(start or pad), None),
        ends=frozenset(ids_of(opened, said.ids("eos_token_id"))),
        pad=next(iter(pad), None),
        never=frozenset(ids_of(opened, forbidden(opened, said.model.get("bad_words_ids") or []))),
        advice={name: said.model[name] for name in ADVICE if said.model.get(name) is not None},
    )


def save_seq2seq(loaded: LoadedSeq2Seq, folder: Path) -> None:
    """Write config.json, generation_config.json, the tokenizers, and the weights in their present dtype, these last.

    Raises:
        SpecError: if the family's layout has no words for this model.
        StorageError: if the disk is full or cannot be written.
    """
    layout = LAYOUTS[loaded.family]
    tensors = outgoing(loaded.model, layout.rules(loaded.spec))
    assert not tensors.left_out, tensors.left_out
    # Spelt out where there is none, since transformers would take those of a vocabulary of 58,101.
    ids: dict[str, object] = {
        "bos_token_id": None,
        "pad_token_id": loaded.pad,
        "eos_token_id": min(loaded.ends) if len(loaded.ends) == 1 else sorted(loaded.ends) or None,
        "forced_eos_token_id": None,
        "decoder_start_token_id": loaded.start,
        "bad_words_ids": [[each] for each in sorted(loaded.never)] or None,
    }
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    kind = {"model_type": loaded.family, "is_encoder_decoder": True, "dtype": dtype}
    config = {**kind, **ids, **layout.metadata(loaded.spec)}
    if tensors.packing is not None:
        config["quantization_config"] = tensors.packing.to_dict()
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", {**ids, **loaded.advice})
    write_pair(loaded.source, loaded.target, folder)
    write_safetensors(folder, tensors.tensors, tensors.read)
