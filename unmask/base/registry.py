"""Names and the things they stand for, with "did you mean" for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """The `count` known names most like `name`, best first; never empty while anything is known."""
    names = list(known)
    by_fold = {each.lower(): each for each in names}
    return [by_fold[match] for match in get_close_matches(name.lower(), by_fold, n=count, cutoff=0.0)]
