"""Curves over the layers of a model, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.views.svg import COOL, ems, escape, label, shortened

TICKS = 4
SIZE = 11
MARGIN = 44
"""What the numbers beside a chart take of its width."""
FOOT = 36
"""What those under it take of its height."""
ROW = 24
"""The height of a bar and its label."""


@dataclass(frozen=True)
class Line:
    """A curve, a value for each layer; `name` is told when it is pointed at, and marks it for scripts."""

    values: Sequence[float]
    name: str
    colour: str = COOL
    dashed: bool = False
    thin: bool = False


def chart(
    lines: Sequence[Line],
    *,
    x: float,
    y: float,
    width: float,
    height: float,
    low: float,
    high: float,
    first: int,
    axis: str,
) -> str:
    """Curves in a frame with numbered sides.

    Args:
        low, high: the values at the bottom and at the top.
        first: the layer that the values begin with.
        axis: what to call the layers.
    """
    left, right, bottom = x + MARGIN, x + width - 8, y + height - FOOT
    count = max(len(line.values) for line in lines)
    step = (right - left) / max(count - 1, 1)
    parts = []
    for tick in range(TICKS + 1):
        value, at = low + (high - low) * tick / TICKS, bottom - (bottom - y) * tick / TICKS
        parts.append(
            f'<line x1="{left:g}" x2="{right:g}" y1="{at:g}" y2="{at:g}" stroke="currentColor" opacity="0.15"/>'
        )
        parts.append(label(f"{value:.2f}", left - 6, at, size=SIZE, anchor="end"))
    parts += [
        label(str(first + number), left + number * step, bottom + 12, size=SIZE, anchor="middle")
        for number in sorted({0, (count - 1) // 2, count - 1})
    ]
    parts.append(label(axis, (left + right) / 2, bottom + 25, size=SIZE, anchor="middle"))
    for line in lines:
        points = " ".join(
            f"{left + number * step:.4g},{bottom - (bottom - y) * (value - low) / (high - low):.4g}"
            for number, value in enumerate(line.values)
        )
        look = f'stroke-width="{1.4 if line.thin else 2.6}" opacity="{0.6 if line.thin else 1}"'
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(
            f'<polyline data-line="{escape(line.name)}" points="{points}" fill="none" stroke="{line.colour}" {look}'
            f'{dashes} stroke-linejoin="round"><title>{escape(line.name)}</title></polyline>'
        )
    return "".join(parts)


def across(layer: float, count: int, *, x: float, width: float) -> float:
    """Where in such a chart the value number `layer` of `count` stands."""
    left, right = x + MARGIN, x + width - 8
    return left + (right - left) * layer / max(count - 1, 1)


def legend(lines: Sequence[Line], *, x: float, y: float) -> str:
    """A sample and the name of each curve that is not thin, side by side."""
    parts = []
    for line in lines:
        if line.thin:
            continue
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(
            f'<line x1="{x:g}" x2="{x + 26:g}" y1="{y:g}" y2="{y:g}" stroke="{line.colour}" stroke-width="2.4"'
            f"{dashes}/>"
        )
        parts.append(label(line.name, x + 32, y, size=SIZE))
        x += 52 + ems(line.name) * SIZE
    return "".join(parts)


@dataclass(frozen=True)
class Bar:
    """A share from 0 to 1, its name and how the number reads."""

    name: str
    share: float
    told: str
    colour: str = COOL


def bars(rows: Sequence[Bar], *, x: float, y: float, width: float, names: float) -> str:
    """Bars one under another, ROW high each, in `width` of which the names take `names`."""
    room, parts = width - names - 74, []
    for number, row in enumerate(rows):
        middle = y + ROW * (number + 0.5)
        # What is not nothing can be seen, however little it is.
        long = max(room * row.share, 1.5) if row.share else 0.0
        parts.append(label(shortened(row.name, names / 12 - 0.5), x + names - 8, middle, size=12, anchor="end"))
        parts.append(
            f'<rect x="{x + names:g}" y="{middle - 6:g}" width="{long:.4g}" height="12" rx="3" fill="{row.colour}"/>'
        )
        parts.append(label(row.told, x + names + long + 8, middle, size=12))
    return "".join(parts)
