"""A text with blanks as GLM reads it: part A shows all but the blanks, part B then writes them one after the other.

Source: GLM (Du et al. 2022), sections 2.1 and 2.2; the order of ids is that of its release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmask.data.batch import IGNORED
from unmask.data.rows import Ids, Span


@dataclass(frozen=True)
class Infilling:
    """One row. The first `prefix` places are part A.

    Args:
        tokens, targets: [T], the targets already where they are to be said.
        positions: [2, T]. Above: the place in part A, and for part B that of the mask it fills; below: the place in the
            blank, counted from 1, and 0 in part A.
    """

    tokens: Ids
    targets: Ids
    positions: Ids
    prefix: int


def infilling(text: Ids, spans: Sequence[Span], *, mask: int, start: int, end: int) -> Infilling:
    """Blank out `spans` of a text [N], half-open and apart from one another, to be filled in the order they come in.

    Each leaves one `mask`, however long it is; in part B it follows `start`, and ends by saying `end`.
    """
    begins, stops = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    shown, seen = np.ones(len(text), dtype=np.bool_), text.copy()
    for begin, stop in spans:
        shown[begin + 1 : stop] = False
    seen[begins] = mask
    part_a, places = seen[shown], shown.cumsum() - 1
    sizes = stops - begins + 1
    inside = np.arange(sizes.sum()) - (sizes.cumsum() - sizes).repeat(sizes)  # the place in the blank, from 0
    here = begins.repeat(sizes) + inside
    heard = np.where(inside == 0, start, text[here - 1])
    said = np.where(inside + 1 == sizes.repeat(sizes), end, np.append(text, end)[here])
    return Infilling(
        tokens=np.concatenate((part_a, heard)),
        targets=np.concatenate((np.full(len(part_a), IGNORED), said)),
        positions=np.stack(
            (
                np.concatenate((np.arange(len(part_a)), places[begins].repeat(sizes))),
                np.concatenate((np.zeros(len(part_a), dtype=np.int64), inside + 1)),
            )
        ),
        prefix=len(part_a),
    )


def continuation(text: Ids, count: int, *, mask: int, start: int) -> Infilling:
    """Blank out the last `count` tokens of a text. As they end it, there is no saying when to stop."""
    whole = infilling(text, [(len(text) - count, len(text))], mask=mask, start=start, end=IGNORED)
    return Infilling(whole.tokens[:-1], whole.targets[:-1], whole.positions[:, :-1], whole.prefix)
