"""The schemes: how many bits a weight has, and how many neighbours share a scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unmask.base.errors import RequestError
from unmask.base.registry import nearest

STEP = 8
"""Weights of a row that are packed together; each group is a whole number of these."""


@dataclass(frozen=True)
class Scheme:
    """How a matrix [N, K] is held: unsigned integers ("codes") of `bits`, and float16 numbers for each group of them.

    Symmetric: weight = scale * (code - zero). Else: weight = scale * code + minimum.

    Args:
        group: how many neighbours in a row share their numbers, a multiple of 8; None is the whole row.
    """

    name: str
    bits: int
    group: int | None
    symmetric: bool = True

    @property
    def zero(self) -> int:
        """The code of weight 0 where it is always the same, and of the padding everywhere."""
        return 1 << (self.bits - 1) if self.symmetric else 0

    @property
    def last(self) -> int:
        """The highest code."""
        return (1 << self.bits) - 1

    @property
    def fine(self) -> bool:
        """Whether a few inputs of a row get 16 bits: one scale for a whole row, as wide as these few, is too coarse.

        What it is worth: docs/decisions/0006-few-bits.md.
        """
        return self.group is None

    def span(self, width: int) -> int:
        """Codes in a group of a row of `width` weights; one for the whole row is rounded up."""
        return self.group or -(-width // STEP) * STEP

    def groups(self, width: int) -> int:
        """Groups in a row of `width` weights, the last one perhaps padded."""
        return -(-width // self.span(width))


USUAL = "int4-64"
"""What "int4" means: the widest group that divides the widths of small models too, SmolLM2's 576 among them."""

KNOWN = (
    Scheme("int8", 8, None),
    Scheme("int8-32", 8, 32),
    *(Scheme(f"int4-{group}", 4, group) for group in (32, 64, 128)),
    *(Scheme(f"int4-{group}-zero", 4, group, symmetric=False) for group in (32, 64, 128)),
)

SCHEMES: Mapping[str, Scheme] = {
    "int8": KNOWN[0],
    "int4": next(each for each in KNOWN if each.name == USUAL),
    **{each.name: each for each in KNOWN},
}
"""By name. GGUF's Q8_0, Q4_0 and Q4_1 are int8-32, int4-32 and int4-32-zero."""


STORED = "stored"
"""In place of a scheme's name: the blocks of a GGUF file as they are."""

CHOICES = (STORED, *SCHEMES)
"""What a load may be asked for."""


def scheme(name: str) -> Scheme:
    """The scheme called `name`.

    Raises:
        RequestError: if there is none.
    """
    if name not in SCHEMES:
        raise RequestError(
            "Unknown quantization {name!r}; known are {known}. Did you mean {nearest!r}?",
            name=name,
            known=", ".join(CHOICES),
            nearest=nearest(name, CHOICES, count=1)[0],
        )
    return SCHEMES[name]
