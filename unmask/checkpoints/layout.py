"""Where a Hub-layout folder keeps its weights: one file, or the several that an index names. No torch here."""

from __future__ import annotations

import json
import re
from pathlib import Path

from unmask.base.errors import FormatError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

# The safetensors format's own bound on a header, here held to for the index too.
LARGEST_HEADER = 100_000_000

SHARD_NAME = re.compile(r"[\w.-]{1,200}\.safetensors", re.ASCII)


def read_index(path: Path) -> dict[str, str]:
    """The index of a sharded checkpoint: tensor name -> the name of a file beside it. Nothing in it is trusted.

    Raises:
        FormatError: if it is not such an index, or names a file outside its own folder.
    """
    if path.stat().st_size > LARGEST_HEADER:
        raise FormatError(
            "{file}: {size:,} bytes is more than an index may have ({limit:,}). Fetch it again.",
            file=path,
            size=path.stat().st_size,
            limit=LARGEST_HEADER,
        )
    try:
        index = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError("{file}: not JSON ({reason}). Fetch it again.", file=path, reason=error) from error
    placement = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(placement, dict) or {type(name) for name in placement.values()} != {str}:
        raise FormatError(
            "{file}: has no 'weight_map' from tensor names to file names. Fetch it again.",
            file=path,
        )
    for name, file_name in placement.items():
        if not SHARD_NAME.fullmatch(file_name):
            raise FormatError(
                "{file}: puts tensor {name!r} in {shard!r:.100}, which is not the plain name of a .safetensors file.",
                file=path,
                name=name,
                shard=file_name,
            )
    return placement
