"""Texts that were there before: the same, or nearly so. What is kept of a text is some numbers, not the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from unmask.base.streams import stream
from unmask.text.words import units

Keys = NDArray[np.uint64]
FRESH = 1 << 16  # keys that a SeenKeys has in its set before it sorts them in
BLOCK = 1 << 12  # shingles that are hashed at a time
BLANKS = b" ", b"\t", b"\n", b"\v", b"\f", b"\r"


class Duplicates(Protocol):
    """What remembers texts."""

    def seen(self, text: str) -> bool:
        """Whether a text like it was there before; if not, it is remembered."""
        ...


class SeenKeys:
    """Numbers that were there before: a sorted array of most of them, 8 bytes each, and a set of the latest."""

    def __init__(self) -> None:
        self.sorted: Keys = np.empty(0, np.uint64)
        self.latest: set[int] = set()

    def any(self, keys: Sequence[int]) -> bool:
        """Whether one of them was there."""
        if not self.latest.isdisjoint(keys):
            return True
        if not len(self.sorted):
            return False
        wanted = np.array(keys, np.uint64)
        at = np.searchsorted(self.sorted, wanted)
        inside = at < len(self.sorted)
        return bool((self.sorted[at[inside]] == wanted[inside]).any())

    def add(self, keys: Sequence[int]) -> None:
        self.latest.update(keys)
        if len(self.latest) > max(FRESH, len(self.sorted) // 8):
            fresh = np.fromiter(self.latest, np.uint64, len(self.latest))
            self.sorted = np.sort(np.concatenate((self.sorted, fresh)))
            self.latest.clear()

    def seen(self, keys: Sequence[int]) -> bool:
        """Whether one of them was there; if not, they are from now on."""
        before = self.any(keys)
        if not before:
            self.add(keys)
        return before


class Exact:
    """The same text, but for capitals, blanks and compatible forms (NFKC)."""

    def __init__(self) -> None:
        self.keys = SeenKeys()

    def seen(self, text: str) -> bool:
        plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
        data = plain.casefold().encode("utf-8", "surrogatepass")
        for blank in BLANKS:  # NFKC has made plain ones of those beyond ASCII
            data = data.replace(blank, b"")
        return self.keys.seen([number(data)])


@dataclass(frozen=True, eq=False)
class Near:
    """A text most of whose phrases (shingles) are in a text before; it takes 8 bytes a band to remember one.

    Of two texts that share the part s of all their phrases, the later is found with the chance 1 - (1 - s^rows)^bands:
    0.77 for s = 3/4, 0.05 for a half.

    Args:
        size: words of a phrase; an ideograph is a word. A text of fewer is one phrase.
        bands: keys of a text, one of which must be the same.
        rows: minimal hashes that make a key.
    Source: Broder 1997, sections 2 and 3; Leskovec et al., Mining of Massive Datasets, section 3.4 (bands). The sizes
        are FineWeb's (Penedo et al. 2024), section 3.4.
    """

    size: int = 5
    bands: int = 14
    rows: int = 8
    keys: SeenKeys = field(default_factory=SeenKeys)

    def seen(self, text: str) -> bool:
        return self.keys.seen(self.band_keys(text))

    def band_keys(self, text: str) -> list[int]:
        """A key for each band."""
        least = signature(shingles(units(text.casefold()), self.size), self.bands * self.rows)
        rows = least.reshape(self.bands, self.rows)
        return [number(at.to_bytes(2) + row.tobytes()) for at, row in enumerate(rows)]


def shingles(words: Sequence[str], size: int) -> Keys:
    """A number for each different run of `size` words; the same in every process."""
    hashed = np.fromiter((crc32(word.encode("utf-8", "surrogatepass")) for word in words), np.uint64, len(words))
    runs = max(1, len(words) - size + 1)
    total = np.zeros(runs, np.uint64)
    for at in range(min(size, len(words))):
        total = mixed(total + hashed[at : at + runs])
    return np.unique(total)


def signature(numbers: Keys, size: int) -> Keys:
    """The least of the numbers under each of `size` orders of all numbers: [size]."""
    draw = stream(0, "minhash")
    factors = draw.integers(1 << 63, size=size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = draw.integers(1 << 63, size=size, dtype=np.uint64)
    least = np.full(size, np.iinfo(np.uint64).max)
    for begin in range(0, len(numbers), BLOCK):
        orders = mixed(numbers[begin : begin + BLOCK, None] * factors + offsets)  # [block, size]
        least = np.minimum(least, orders.min(axis=0))
    return least


def mixed(numbers: NDArray[Any]) -> Keys:
    """Each number as another, without a pattern. Source: SplitMix64 (Steele et al. 2014), figure 16."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Keys = numbers ^ (numbers >> np.uint64(31))
    return found


def number(data: bytes) -> int:
    """64 bits made of some bytes."""
    return int.from_bytes(blake2b(data, digest_size=8).digest())
