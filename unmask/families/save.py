"""A model in memory to a folder in the Hub's layout, which other tools load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unmask.base.files import atomic
from unmask.checkpoints.safetensors_writer import write_safetensors
from unmask.families.load import Loaded
from unmask.families.outgoing import family_of, outgoing
from unmask.families.sentence import write_sentence
from unmask.text.save import write_folder
from unmask.text.tokenizer import Tokenizer


def save_folder(loaded: Loaded, folder: Path) -> None:
    """Write config.json, the weights in their present dtype, and all that came with them. The weights come last.

    Raises:
        SpecError: if the Hub's layout has no words for this model.
        StorageError: if the disk is full or cannot be written.
    """
    dialect = family_of(loaded).hub
    tensors = outgoing(loaded.model, dialect.rules(loaded.spec))
    assert not tensors.left_out, tensors.left_out
    ids = special_ids(loaded.tokenizer)
    dtype = str(loaded.model.dtype).removeprefix("torch.")
    config = {"model_type": dialect.name, "dtype": dtype, **ids, **dialect.metadata(loaded.spec)}
    if tensors.packing is not None:
        config["quantization_config"] = tensors.packing.to_dict()
    write_json(folder / "config.json", config)
    if loaded.spec.writes:
        write_json(folder / "generation_config.json", {**loaded.advice, **ids})
    if loaded.tokenizer is not None:
        write_folder(loaded.tokenizer, loaded.template, folder)
    if loaded.sentence is not None:
        write_sentence(loaded.sentence, loaded.spec, folder)
    write_safetensors(folder, tensors.tensors, tensors.read)


def special_ids(tokenizer: Tokenizer | None) -> dict[str, object]:
    """The ids that other tools look for beside the sizes."""
    if tokenizer is None:
        return {}
    ends = sorted(tokenizer.ends)
    ids = {
        "bos_token_id": tokenizer.bos,
        "eos_token_id": ends[0] if len(ends) == 1 else ends or None,
        "pad_token_id": tokenizer.pad,
    }
    return {name: value for name, value in ids.items() if value is not None}


def write_json(path: Path, value: Mapping[str, object]) -> None:
    with atomic(path) as stream:
        stream.write(json.dumps(value, indent=2, ensure_ascii=False).encode())
