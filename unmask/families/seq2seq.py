"""Encoder-decoders: a folder in Marian's layout to a model, and back to one that transformers loads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from unmask.base.errors import ArchitectureError
from unmask.checkpoints.safetensors_writer import write_safetensors
from unmask.checkpoints.weights import open_weights
from unmask.core.seq2seq import Seq2Seq, Seq2SeqSpec
from unmask.families import marian
from unmask.families.fields import Fields
from unmask.families.files import read_json
from unmask.families.open import check_depth, stored_dtype
from unmask.families.outgoing import outgoing
from unmask.families.save import special_ids, write_json
from unmask.text.formats import read_folder
from unmask.text.save import write_folder
from unmask.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class LoadedSeq2Seq:
    """An encoder-decoder in memory, and what came with it. `start` is the token that begins what it writes."""

    spec: Seq2SeqSpec
    model: Seq2Seq
    tokenizer: Tokenizer | None
    start: int | None


def load_seq2seq(
    folder: Path, *, dtype: torch.dtype | None, device: torch.device, allow_pickle: bool = False
) -> LoadedSeq2Seq:
    """Read a folder whole.

    Args:
        dtype: None keeps the stored one.
        allow_pickle: read `.bin` weights where there are no others.
    Raises:
        ArchitectureError: if it holds no model of Marian's layout.
        CheckpointError: if the files are not what they claim to be, or do not fit together.
        TokenizerError: if the tokenizer beside them is broken.
    """
    config = read_json(folder / "config.json")
    fields = Fields("config.json", config)
    if fields.text("model_type") != marian.NAME:
        raise ArchitectureError(
            "{where} is of model_type {name!r}; of encoder-decoders, {known!r} is the one that unmask has.",
            where=folder / "config.json",
            name=fields.text("model_type"),
            known=marian.NAME,
        )
    spec, source = marian.from_hub(fields), open_weights(folder, allow_pickle=allow_pickle)
    check_depth(fields.where, len(spec.encoder.blocks) + len(spec.decoder.blocks), source)
    with torch.device("meta"):
        model = spec.build()
    marian.hub_rules().fill(model, source, dtype=dtype or stored_dtype(source), device=device)
    start = fields.count("decoder_start_token_id") if fields.has("decoder_start_token_id") else None
    return LoadedSeq2Seq(spec, model.eval(), read_folder(folder), start)


def save_seq2seq(loaded: LoadedSeq2Seq, folder: Path) -> None:
    """Write config.json, generation_config.json, the tokenizer, and the weights in their present dtype, these last.

    Raises:
        SpecError: if Marian's layout has no words for this model.
        StorageError: if the disk is full or cannot be written.
    """
    tensors = outgoing(loaded.model, marian.hub_rules())
    assert not tensors.left_out, tensors.left_out
    # Spelt out where there is none, since transformers would take those of a vocabulary of 58,101.
    ids = dict.fromkeys(("pad_token_id", "eos_token_id", "forced_eos_token_id")) | special_ids(loaded.tokenizer)
    ids["decoder_start_token_id"] = loaded.start
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    write_json(folder / "config.json", {"model_type": marian.NAME, "dtype": dtype, **ids, **marian.to_hub(loaded.spec)})
    write_json(folder / "generation_config.json", ids)
    if loaded.tokenizer is not None:
        write_folder(loaded.tokenizer, None, folder)
    write_safetensors(folder, tensors.tensors, tensors.read)
