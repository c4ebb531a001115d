"""Chance that remembers nothing: each generator is a function of a seed, a purpose and some numbers.

What is drawn for row 7 of step 1,000 is the same whoever draws it, in whatever order, before or after a restart; so no
generator's state is ever saved.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """The generator for `purpose` (a name that no other use has) and these numbers, under `seed`."""
    return np.random.Generator(np.random.Philox(key=key(seed, purpose, *numbers, bits=128)))


def key(seed: int, purpose: str, *numbers: int, bits: int = 63) -> int:
    """A number below 2^bits made of all of them: for generators that are not numpy's."""
    text = "/".join((str(seed), purpose, *map(str, numbers)))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest, "big") >> (128 - bits)
