"""The curve of a run: what it cost to learn, step by step, as a picture that suits a light and a dark screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmask.base.files import atomic
from unmask.base.language import language, translate
from unmask.training.hooks import Hook, TrainReport
from unmask.training.logs import LOG, lines
from unmask.training.run import Run
from unmask.views.svg import COOL, WARM, document, ems, label

PICTURE = "loss.svg"
WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 692, 52, 352
"""The frame."""
SIZE = 12
SMOOTH = 0.8
"""What a point of the smooth curve keeps of the one before it."""
MOST = 2_000
"""Points of a curve: more would not be seen."""
PAPER = (
    "<style>svg{background:#fff;color:#1f2328}"
    "@media(prefers-color-scheme:dark){svg{background:#0d1117;color:#e6edf3}}</style>"
)
Point = tuple[float, float]


class Plot(Hook):
    """Draws the curve anew at each look at the validation data, and at the end."""

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        save(run.folder)

    def end(self, run: Run, report: TrainReport) -> None:
        save(run.folder)


def save(folder: Path) -> None:
    """Write loss.svg of the run in `folder`, from its log.

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    with atomic(folder / PICTURE) as stream:
        stream.write(picture(lines(folder / LOG), name=folder.resolve().name, tongue=language()).encode())


def picture(log: Sequence[Mapping[str, Any]], *, name: str, tongue: str) -> str:
    """A whole SVG file.

    Args:
        log: the lines of log.jsonl.
        name: of the run.
        tongue: "en" or "zh".
    """
    learnt = [(float(line["step"]), float(line["loss"])) for line in log if "loss" in line]
    judged = [(float(line["step"]), float(line["validation"]["loss"])) for line in log if "validation" in line]
    title = translate("Loss of {name}", tongue).format(name=name)
    parts = [PAPER, label(title, LEFT, 20, size=15)]
    points = [point for point in learnt + judged if math.isfinite(point[1])]
    if points:
        smooth = smoothed(learnt)
        frame = Frame.around(smooth + judged or points)
        parts += frame.grid(translate("step", tongue))
        parts.append(frame.curve(learnt, colour=COOL, width=1, opacity=0.25))
        parts.append(frame.curve(smooth, colour=COOL, width=2))
        parts.append(frame.curve(judged, colour=WARM, width=2))
        named = (
            (translate("learning {loss:.3f}", tongue), COOL, smooth),
            (translate("validation {loss:.3f}", tongue), WARM, judged),
        )
        parts += legend([(text.format(loss=curve[-1][1]), colour) for text, colour, curve in named if curve])
    return document(title, WIDTH, HEIGHT, parts)


def smoothed(points: Sequence[Point]) -> list[Point]:
    """A running mean that forgets; unbiased at its beginning. Source: Kingma and Ba 2015, section 3."""
    found, mean, weight = [], 0.0, 0.0
    for step, value in points:
        if math.isfinite(value):
            mean, weight = SMOOTH * mean + (1 - SMOOTH) * value, SMOOTH * weight + (1 - SMOOTH)
            found.append((step, mean / weight))
    return found


class Frame:
    """Where a step and a loss are on the paper; both axes begin and end with round numbers."""

    def __init__(self, across: Sequence[float], up: Sequence[float]) -> None:
        self.across, self.up = across, up

    @classmethod
    def around(cls, points: Sequence[Point]) -> Frame:
        steps, values = zip(*points, strict=True)
        return cls(ticks(0, max(steps)), ticks(min(values), max(values)))

    def x(self, step: float) -> float:
        return LEFT + (RIGHT - LEFT) * step / self.across[-1]

    def y(self, value: float) -> float:
        low, high = self.up[0], self.up[-1]
        return BOTTOM - (BOTTOM - TOP) * (min(max(value, low), high) - low) / (high - low)

    def grid(self, axis: str) -> list[str]:
        parts = []
        for value in self.up:
            at = self.y(value)
            parts.append(
                f'<line x1="{LEFT}" x2="{RIGHT}" y1="{at:g}" y2="{at:g}" stroke="currentColor" opacity="0.15"/>'
            )
            parts.append(label(f"{value:g}", LEFT - 8, at, size=SIZE, anchor="end"))
        parts += [label(f"{step:,g}", self.x(step), BOTTOM + 16, size=SIZE, anchor="middle") for step in self.across]
        return [*parts, label(axis, (LEFT + RIGHT) / 2, BOTTOM + 36, size=SIZE, anchor="middle")]

    def curve(self, points: Sequence[Point], *, colour: str, width: float, opacity: float = 1) -> str:
        """A line through the points, those that are no numbers left out; a dot if there is but one."""
        drawn = [point for point in points[:: max(1, len(points) // MOST)] if math.isfinite(point[1])]
        if len(drawn) == 1:
            return f'<circle cx="{self.x(drawn[0][0]):g}" cy="{self.y(drawn[0][1]):g}" r="3" fill="{colour}"/>'
        path = " ".join(f"{self.x(step):.1f},{self.y(value):.1f}" for step, value in drawn)
        return (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" opacity="{opacity:g}" '
            'stroke-linejoin="round"/>'
        )


def ticks(low: float, high: float) -> list[float]:
    """Four to nine round numbers, evenly apart, that reach from below `low` to above `high`."""
    wide = max(high - low, 1e-3 * max(abs(high), 1e-3))
    unit = 10 ** math.floor(math.log10(wide))
    gap = next(unit * times for times in (0.2, 0.5, 1, 2) if wide / (unit * times) <= 6)
    first, last = math.floor(low / gap + 1e-9), math.ceil(high / gap - 1e-9)
    return [round(number * gap, 12) for number in range(first, max(last, first + 1) + 1)]


def legend(named: Sequence[tuple[str, str]]) -> list[str]:
    """A sample of each curve and its name, side by side, on the right above the frame."""
    parts, x = [], RIGHT - sum(36 + ems(text) * SIZE for text, _ in named)
    for text, colour in named:
        parts.append(f'<line x1="{x:g}" x2="{x + 18:g}" y1="36" y2="36" stroke="{colour}" stroke-width="3"/>')
        parts.append(label(text, x + 24, 36, size=SIZE))
        x += 36 + ems(text) * SIZE
    return parts
