"""Pictures of attention: all heads as thumbnails, and one map with its words along both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from unmask.base.language import translate
from unmask.views.svg import COOL, cells, ems, escape, fill, heat, label, shortened

PAD = 6
LINE = 17
"""Height of a line of labels."""
SIZE = 12
"""Of a label's letters."""
LANES = 6
"""Lines of labels above a map, at most."""
LONGEST = 14
"""Of a label, in ems; a longer one is shortened."""


LEGEND = (0.01, 0.05, 0.2, 0.5, 1.0)
"""Weights whose colours the legend shows."""


@dataclass(frozen=True)
class Picture:
    """A piece of a picture: SVG elements from its upper left corner on, and how large it is."""

    parts: tuple[str, ...]
    width: float
    height: float

    def at(self, x: float, y: float) -> str:
        return f'<g transform="translate({x:g} {y:g})">{"".join(self.parts)}</g>'


def grid(shades: Tensor, layers: Sequence[int], heads: Sequence[int], chosen: tuple[int, int], tongue: str) -> Picture:
    """Thumbnails [N, H + 1, n, n] of all heads of all layers, the mean of each layer's heads last.

    The longer of the two runs from left to right. Each thumbnail's frame knows the layer's and the head's index.
    """
    names = ([str(layer) for layer in layers], [*map(str, heads), translate("mean", tongue)])
    captions = translate("layer", tongue), translate("head", tongue)
    across = 0 if len(layers) > len(heads) else 1  # which of the two runs from left to right
    down = 1 - across
    pitch = min(60, max(22, 1000 // len(names[across])))
    left = max(map(ems, (*names[down], captions[down]))) * SIZE + 2 * PAD
    top = 2 * LINE
    sheet, filled = assembled(shades.transpose(0, 1) if across == 0 else shades)
    size = pitch * filled
    width, height = len(names[across]) * pitch, len(names[down]) * pitch
    parts = [
        label(captions[across], left, LINE / 2, size=SIZE),
        label(captions[down], left - PAD, 1.5 * LINE, size=SIZE, anchor="end"),
        heat(sheet, x=left, y=top, width=width, height=height),
    ]
    for at, name in enumerate(names[across]):
        parts.append(label(name, left + at * pitch + size / 2, 1.5 * LINE, size=SIZE, anchor="middle"))
    for at, name in enumerate(names[down]):
        parts.append(label(name, left - PAD, top + at * pitch + size / 2, size=SIZE, anchor="end"))
    for row in range(len(names[down])):
        for column in range(len(names[across])):
            place = (column, row) if across == 0 else (row, column)
            parts.append(
                f'<rect class="thumbnail" data-layer="{place[0]}" data-head="{place[1]}" data-row="{row}" '
                f'data-column="{column}" x="{left + column * pitch:g}" y="{top + row * pitch:g}" '
                f'width="{size:g}" height="{size:g}" fill="none" pointer-events="all" '
                f"{frame(place == chosen)}><title>{escape(caption(layers, heads, place, tongue))}</title></rect>"
            )
    return Picture(tuple(parts), left + width, top + height)


def caption(layers: Sequence[int], heads: Sequence[int], at: tuple[int, int], tongue: str) -> str:
    """The name of the map at these indices."""
    if at[1] == len(heads):
        return translate("Layer {layer}, mean of its heads", tongue).format(layer=layers[at[0]])
    return translate("Layer {layer}, head {head}", tongue).format(layer=layers[at[0]], head=heads[at[1]])


def frame(chosen: bool) -> str:
    return f'stroke="{COOL}" stroke-width="3"' if chosen else 'stroke="currentColor" stroke-opacity=".2"'


def assembled(shades: Tensor) -> tuple[Tensor, float]:
    """Thumbnails [rows, columns, n, n] as one image, and how much of each one's place it fills; the rest is a gap."""
    rows, columns, side, _ = shades.shape
    # At least 24 pixels a thumbnail: one of three cells would have a gap as wide as a cell.
    scale, gap = ceil(24 / side), 3
    pitch = side * scale + gap
    large = shades.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
    spaced = torch.nn.functional.pad(large, (0, gap, 0, gap)).transpose(1, 2)
    return spaced.reshape(rows * pitch, columns * pitch), 1 - gap / pitch


def chart(
    shades: Tensor,
    words: Sequence[str],
    tongue: str,
    *,
    seen: Sequence[str] | None = None,
    telling: bool = False,
) -> Picture:
    """One map [n, m] of shades; each row is where a word looks, each column a word that is looked at.

    Args:
        shades: square roots of weights: of all words, or of fewer cells if several words share one.
        seen: the words that are looked at; None: those that look.
        telling: let each cell tell its weight when pointed at; for few words.
    """
    seen = words if seen is None else seen
    cell = min(34.0, 660 / max(len(words), len(seen)))
    wide, high = cell * len(seen), cell * len(words)
    every = ceil(13 / cell)
    rows = [(at, shortened(words[at], LONGEST)) for at in range(0, len(words), every)]
    columns = staggered(seen, cell)
    captions = translate("from", tongue) + " ↓", translate("looks at", tongue) + " →"
    left = max(map(ems, (*captions, *(name for _, name in rows)))) * SIZE + 2 * PAD
    top = max(2, 1 + max(each.lane for each in columns)) * LINE + PAD
    parts = [
        label(captions[1], left - PAD, LINE / 2, size=SIZE, anchor="end"),
        label(captions[0], left - PAD, top - LINE, size=SIZE, anchor="end"),
        *(label(name, left - PAD, top + (at + 0.5) * cell, size=SIZE, anchor="end") for at, name in rows),
        *(each.drawn(left, top) for each in columns),
    ]

    def title(row: int, column: int) -> str:
        return f"{words[row]} → {seen[column]}: {float(shades[row, column]) ** 2:.3f}"

    if telling:
        parts.append(cells(shades, title, x=left, y=top, width=wide, height=high))
    else:
        parts.append(heat(shades, x=left, y=top, width=wide, height=high))
    parts.append(f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" fill="none" {frame(False)}/>')
    parts.append(legend(left, top + high + PAD))
    width = max(left + wide, *(left + each.end for each in columns), left + 48 * len(LEGEND))
    return Picture(tuple(parts), width + PAD, top + high + 2 * LINE)


@dataclass(frozen=True)
class Header:
    """A column's name.

    Args:
        at: the middle of the column, where a line leads to if the name is not right above it.
        start, end: where the name begins and ends.
        lane: the line it stands in, 0 next to the map.
    """

    name: str
    at: float
    start: float
    end: float
    lane: int

    def drawn(self, left: float, top: float) -> str:
        y = top - PAD - (self.lane + 0.5) * LINE
        name = label(self.name, left + self.start, y, size=SIZE)
        if not self.lane:
            return name
        x = left + self.at
        return f'<path d="M{x:g} {top - 2:g}V{y + 8:g}" stroke="currentColor" stroke-opacity=".3"/>{name}'


def staggered(words: Sequence[str], cell: float) -> list[Header]:
    """Column names that are read without turning the head: where one would run into the next, it stands above it.

    Where the columns are too narrow for that, only some are named.
    """
    every = ceil(26 / cell)
    pitch = cell * every
    headers: list[Header] = []
    for at in reversed(range(0, len(words), every)):
        header = placed(shortened(words[at], LONGEST), (at + 0.5) * cell, pitch, headers)
        if header.lane >= LANES:
            header = placed(shortened(words[at], pitch / SIZE), (at + 0.5) * cell, pitch, headers)
        headers.append(header)
    return headers[::-1]


def placed(name: str, at: float, pitch: float, others: Sequence[Header]) -> Header:
    """Above all names to its right that it reaches: so no line to a column crosses a name."""
    width = ems(name) * SIZE
    start = at - width / 2 if width <= pitch else at - 2
    end = start + width
    lane = 1 + max((each.lane for each in others if each.start < end + PAD), default=-1)
    return Header(name, at, start, end, lane)


def legend(x: float, y: float) -> str:
    """Some weights and their colours: by the square root, or small weights could not be told from none."""
    return "".join(
        f'<rect x="{x + at * 48:g}" y="{y + 4:g}" width="{SIZE}" height="{SIZE}" {fill(weight**0.5)}/>'
        + label(f"{weight:g}", x + at * 48 + SIZE + 4, y + 4 + SIZE / 2, size=SIZE - 1)
        for at, weight in enumerate(LEGEND)
    )
