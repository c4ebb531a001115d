"""What in a tokenizer's file would make the library abort Python, or a text grow without measure: refused first."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import tokenizers

from unmask.base.errors import TokenizerError

Step = Mapping[str, Any]  # one normalizer, pre-tokenizer, post-processor or decoder, as tokenizer.json has it

MOST_GROWTH = 100_000
"""How many times longer a text may become, bounded from above; those in use stay below 10,000."""
COMPOSED = 11
"""NFKD makes 33 bytes of the 3 of U+FDFA, and nothing grows more."""
GROWTHS = {
    "ByteLevel": 2,
    "Metaspace": 3,
    "NFD": 3,
    "NFKD": COMPOSED,
    "NFC": 3,
    "NFKC": COMPOSED,
    "Precompiled": COMPOSED,
}
PARTS = ("normalizers", "pretokenizers", "processors", "decoders")

# A prefix that is not empty, a table of characters, or letters written as JSON escapes, among which either could hide.
TELLING = re.compile(
    rb'"continuing_subword_prefix"\s*:\s*"[^"]|"precompiled_charsmap"\s*:\s*"[^"]|\\u00[2-7][0-9a-fA-F]'
)


def check_file(data: bytes) -> None:
    """See that a tokenizer.json has nothing at which the library aborts.

    Only files that may have it are parsed for this: many are large.

    Raises:
        ValueError: if it has; says what.
    """
    if not TELLING.search(data):
        return
    state = json.loads(data)
    check_prefixes(state["model"])
    for step in steps(state.get("normalizer")):
        if step["type"] == "Precompiled" and step["precompiled_charsmap"]:
            check_charsmap(base64.b64decode(step["precompiled_charsmap"]))


def check_prefixes(model: Mapping[str, Any]) -> None:
    """See that every merge has the prefix that the file says it has."""
    prefix = model.get("continuing_subword_prefix") or ""
    for merge in model.get("merges", ()) if prefix else ():
        right = (merge.split(" ") if isinstance(merge, str) else merge)[-1]
        if not right.startswith(prefix):
            raise ValueError(f"merge {merge!r:.60} lacks the prefix {prefix!r:.60}")


def check_charsmap(table: bytes) -> None:
    """See that SentencePiece's table of characters is as long as it says: its first 4 bytes are the size of its index.

    Raises:
        ValueError: if it is not.
    """
    size = int.from_bytes(table[:4], "little")
    if len(table) < 4 or size > len(table) - 4:
        raise ValueError(f"precompiled_charsmap has {len(table)} bytes, of which {size} are to be its index")


def check_growth(backend: tokenizers.Tokenizer) -> None:
    """See that no short text becomes a huge one: steps that double it can be written down by the hundred.

    Raises:
        TokenizerError: if it might.
    """
    ways = (backend.normalizer, backend.pre_tokenizer), (backend.post_processor,), (backend.decoder,)
    for way in ways:
        states = [json.loads(part.__getstate__()) for part in way if part is not None]
        most = prod(growth(step) for state in states for step in steps(state))
        if most > MOST_GROWTH:
            raise TokenizerError(
                "The tokenizer's steps may make a text {times:.0e} times longer; at most {most:,} times is allowed. "
                "Get the model's files again, from its makers.",
                times=min(most, 10**300),
                most=MOST_GROWTH,
            )


def steps(part: Step | None) -> Iterator[Step]:
    """The steps of a part of tokenizer.json, out of their sequences."""
    if part is None:
        return
    inner = next((name for name in PARTS if name in part), None)
    if inner is None:
        yield part
    for each in part[inner] if inner else ():
        yield from steps(each)


def growth(step: Step) -> int:
    """How many times longer a step may make a text, at most (of templates: how often they repeat it)."""
    if step["type"] == "Replace":
        return replaced(step["pattern"], len(step["content"].encode()))
    if step["type"] == "TemplateProcessing":
        return max(sum("Sequence" in piece for piece in step[form]) for form in ("single", "pair")) or 1
    return GROWTHS.get(step["type"], 1)


def replaced(pattern: Mapping[str, str], size: int) -> int:
    """How many times longer a text becomes if everything is replaced by `size` bytes."""
    found = pattern.get("String", "").encode()
    # A regular expression may match nothing at all, between any two characters.
    return max(1, -(-size // len(found))) if found else size + 1
