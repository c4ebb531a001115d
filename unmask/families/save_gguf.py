"""A model in memory to a GGUF file, which llama.cpp loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from unmask.base.errors import ArchitectureError, RequestError, TokenizerError
from unmask.base.registry import nearest
from unmask.checkpoints.ggml import FORMATS
from unmask.checkpoints.gguf_writer import write_gguf
from unmask.checkpoints.source import TensorInfo
from unmask.families import gguf_encoder
from unmask.families.gguf_decoder import ROTARY_FACTORS, rotary_factors
from unmask.families.load import Loaded
from unmask.families.outgoing import family_of, outgoing
from unmask.text.gguf_out import gguf_metadata

FILE_TYPES: Mapping[str, int] = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "bf16": 32}
"""Formats of a GGUF file's matrices, and llama.cpp's numbers for them. Vectors and positions stay float32."""

QUANTIZATION_VERSION = 2


def save_gguf(loaded: Loaded, path: Path, *, name: str, format_name: str) -> tuple[str, ...]:
    """Write one GGUF file; what the format has no place for (an encoder's heads) is returned by name.

    Args:
        name: what the file calls itself.
        format_name: of the matrices, one of FILE_TYPES; one whose rows cannot be cut into its blocks becomes F16.
    Raises:
        RequestError: if there is no such format, or the model is quantized already.
        ArchitectureError: if GGUF has no name for this architecture.
        TokenizerError: if it has none for this vocabulary, or there is no vocabulary.
        SpecError: if it has none for the pooling.
        StorageError: if the disk is full or cannot be written.
    """
    if format_name not in FILE_TYPES:
        raise RequestError(
            "Unknown GGUF format {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=format_name,
            known=", ".join(FILE_TYPES),
            nearest=nearest(format_name, FILE_TYPES, count=1)[0],
        )
    dialect = family_of(loaded).gguf
    if dialect is None:
        raise ArchitectureError(
            "GGUF has no architecture for {family}. Write it in the Hub's layout: unmask convert ... --to hub",
            family=loaded.family,
        )
    if loaded.tokenizer is None:
        raise TokenizerError("{name} came without a tokenizer, and a GGUF file must hold one.", name=name)
    tensors = outgoing(loaded.model, dialect.rules(loaded.spec))
    if tensors.packing is not None:
        raise RequestError(
            "{name} is quantized as {scheme}, and a GGUF file is made of exact weights. Load it without --quantize, "
            "and choose the file's format.",
            name=name,
            scheme=tensors.packing.scheme.name,
        )
    metadata: dict[str, object] = {
        "general.architecture": dialect.name,
        "general.name": name,
        "general.file_type": FILE_TYPES[format_name],
        "general.quantization_version": QUANTIZATION_VERSION,
        **{f"{dialect.name}.{key}": value for key, value in dialect.metadata(loaded.spec).items()},
        **gguf_metadata(loaded.tokenizer, loaded.template, size=loaded.spec.embedding.vocab),
    }
    if loaded.spec.embedding.segments is not None:
        metadata["tokenizer.ggml.token_type_count"] = loaded.spec.embedding.segments
    if loaded.sentence is not None:
        sentence = gguf_encoder.sentence_metadata(loaded.sentence)
        metadata |= {f"{dialect.name}.{key}": value for key, value in sentence.items()}
    formats = {each: stored_as(each, info, format_name) for each, info in tensors.tensors.items()}
    factors = rotary_factors(loaded.spec)
    extra = {} if factors is None else {ROTARY_FACTORS: factors}
    formats |= {each: TensorInfo(tuple(tensor.shape), "F32") for each, tensor in extra.items()}
    write_gguf(path, metadata, formats, lambda each: extra[each] if each in extra else tensors.read(each))
    return tensors.left_out


def stored_as(name: str, info: TensorInfo, format_name: str) -> TensorInfo:
    """The tensor in the format that llama.cpp expects of it."""
    if len(info.shape) == 1 or name in ("position_embd.weight", "token_types.weight"):
        return replace(info, dtype="F32")
    wanted = format_name.upper()
    return replace(info, dtype="F16" if info.shape[-1] % FORMATS[wanted].length else wanted)
