"""The same word in different sentences: how alike a model holds it, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from unmask.base.language import translate
from unmask.views.charts import FOOT, MARGIN, Line, across, chart, legend
from unmask.views.occurrences import Senses
from unmask.views.svg import COOL, WARM, document, drawing, escape, fill, label, shortened
from unmask.views.view import View

WIDTH, HEIGHT, SIZE = 440, 320, 13
CELL, LINE = 46, 22
STRONGEST = 0.75


def sense_view(senses: Senses, *, name: str, tongue: str, writes: bool, groups: Sequence[int] | None = None) -> View:
    """The view of a word's occurrences.

    Args:
        writes: whether the model saw of each sentence only what stands before the word.
        groups: for each sentence, which meaning the word has in it, if somebody knows.
    """
    cosines = senses.cosines
    labels, gap = labels_of(senses), None if groups is None else gap_of(senses, groups)
    depth = widest(cosines) if gap is None else int((gap.same - gap.apart).argmax())
    title = translate("“{word}” as {name} holds it in {count} places", tongue).format(
        word=senses.word, name=name, count=len(labels)
    )
    lines = [*curves(senses, labels, groups), *means(gap, tongue)]
    data: dict[str, object] = {
        "model": name,
        "word": senses.word,
        "sentences": list(senses.sentences),
        "occurrences": [
            {"label": called, "sentence": each.sentence, "start": each.start, "end": each.end}
            for called, each in zip(labels, senses.occurrences, strict=True)
        ],
        "groups": None if groups is None else list(groups),
        "same": None if gap is None else gap.same.tolist(),
        "apart": None if gap is None else gap.apart.tolist(),
        "depth": depth,
        "cosines": [[[round(value, 6) for value in row] for row in layer] for layer in cosines.tolist()],
        "nearest": nearest(cosines).tolist(),
    }
    return View(
        title=title,
        tongue=tongue,
        data=data,
        svg=picture(title, senses, labels, lines, depth, tongue),
        body=body(senses, labels, lines, depth, tongue=tongue),
        styles=("sense.css",),
        scripts=("sense.js",),
        notes=tuple(notes(senses, writes=writes, tongue=tongue)),
    )


def labels_of(senses: Senses) -> list[str]:
    """What to call each occurrence: its sentence's number, and a letter if there are several in it."""
    counts, seen, labels = Counter(each.sentence for each in senses.occurrences), Counter[int](), []
    for each in senses.occurrences:
        letter = chr(ord("a") + seen[each.sentence]) if counts[each.sentence] > 1 else ""
        seen[each.sentence] += 1
        labels.append(f"{each.sentence + 1}{letter}")
    return labels


def pairs(count: int) -> list[tuple[int, int]]:
    return list(combinations(range(count), 2))


def spread(cosines: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest cosine of two different occurrences [.., O, O], at each depth."""
    count = cosines.shape[-1]
    own = torch.eye(count, dtype=torch.bool)
    return cosines.masked_fill(own, 2.0).flatten(-2).amin(-1), cosines.masked_fill(own, -2.0).flatten(-2).amax(-1)


def widest(cosines: Tensor) -> int:
    """The depth at which the pairs differ most from one another; the last where there is one pair."""
    low, high = spread(cosines)
    return len(cosines) - 1 if cosines.shape[-1] == 2 else int((high - low).argmax())


def nearest(cosines: Tensor) -> Tensor:
    """At each depth, for each occurrence, the one most like it: [N + 1, O]."""
    return cosines.masked_fill(torch.eye(cosines.shape[-1], dtype=torch.bool), -2.0).argmax(dim=-1)


@dataclass(frozen=True)
class Gap:
    """The mean cosine of pairs of one meaning and of pairs of two, at each depth: [N + 1] both."""

    same: Tensor
    apart: Tensor


def gap_of(senses: Senses, groups: Sequence[int]) -> Gap:
    """How far meanings lie apart; each must occur, and one of them twice."""
    of = torch.tensor([groups[each.sentence] for each in senses.occurrences])
    alike = of[:, None] == of
    own = torch.eye(len(of), dtype=torch.bool)
    return Gap(senses.cosines[:, alike & ~own].mean(dim=-1), senses.cosines[:, ~alike].mean(dim=-1))


def means(gap: Gap | None, tongue: str) -> list[Line]:
    if gap is None:
        return []
    return [
        Line(gap.same.tolist(), translate("the same meaning", tongue)),
        Line(gap.apart.tolist(), translate("different meanings", tongue), colour=WARM, dashed=True),
    ]


def curves(senses: Senses, labels: Sequence[str], groups: Sequence[int] | None) -> list[Line]:
    """A curve for each pair; pairs of different meanings are dashed and warm."""
    lines = []
    for left, right in pairs(len(labels)):
        first, second = senses.occurrences[left].sentence, senses.occurrences[right].sentence
        apart = groups is not None and groups[first] != groups[second]
        lines.append(
            Line(
                senses.cosines[:, left, right].tolist(),
                f"{labels[left]}-{labels[right]}",
                colour=WARM if apart else COOL,
                dashed=apart,
                thin=True,
            )
        )
    return lines


def body(
    senses: Senses,
    labels: Sequence[str],
    lines: Sequence[Line],
    depth: int,
    *,
    tongue: str,
) -> str:
    """The page: the sentences, a layer to choose, its matrix, and all layers as curves."""
    last = len(senses.cosines) - 1
    sentences = "".join(f"<li>{marked(senses, number)}</li>" for number in range(len(senses.sentences)))
    return (
        f"<ol class='uses'>{sentences}</ol>"
        f'<p class="depth"><label for="depth">{escape(translate("After layer", tongue))}</label>'
        f'<input id="depth" type="range" min="0" max="{last}" value="{depth}">'
        f'<output for="depth">{depth}</output></p>'
        f'<div class="halves"><div class="wide">{table(senses, labels, depth, tongue)}</div><div class="wide">'
        f"{drawing(translate('similarity by layer', tongue), WIDTH, HEIGHT, curve_parts(lines, depth, tongue, 0))}"
        "</div></div>"
    )


def marked(senses: Senses, number: int) -> str:
    """A sentence with the word marked."""
    text, at, parts = senses.sentences[number], 0, []
    for each in senses.occurrences:
        if each.sentence == number:
            parts.append(f"{escape(text[at : each.start])}<mark>{escape(text[each.start : each.end])}</mark>")
            at = each.end
    return "".join(parts) + escape(text[at:])


def table(senses: Senses, labels: Sequence[str], depth: int, tongue: str) -> str:
    """One layer's cosines, and for each occurrence the nearest other."""
    near = nearest(senses.cosines)[depth].tolist()
    heads = "".join(f"<th>{each}</th>" for each in labels)
    rows = []
    for left, values in enumerate(senses.cosines[depth].tolist()):
        shown = "".join(
            square(value, strength(senses, depth, value), left, right) for right, value in enumerate(values)
        )
        rows.append(f"<tr><th>{labels[left]}</th>{shown}<td class='near'>{labels[near[left]]}</td></tr>")
    return (
        f"<table class='alike'><tr><th></th>{heads}<th>{escape(translate('nearest', tongue))}</th></tr>"
        f"{''.join(rows)}</table>"
    )


def square(value: float, shade: float, left: int, right: int) -> str:
    if left == right:
        return "<td></td>"
    return f'<td data-pair="{left} {right}" style="--s:{shade:.3g}">{value:.2f}</td>'


def strength(senses: Senses, depth: int, value: float) -> float:
    """How strongly to shade a cosine: between the least and the greatest of its layer."""
    low, high = (float(each[depth]) for each in spread(senses.cosines))
    return STRONGEST * (value - low) / (high - low) if high > low else STRONGEST


def curve_parts(lines: Sequence[Line], depth: int, tongue: str, y: float) -> list[str]:
    """The chart of all layers, with a mark at one."""
    low = min(min(line.values) for line in lines)
    count = len(lines[0].values)
    at = across(depth, count, x=0, width=WIDTH)
    # What does not differ needs a little room to be drawn in.
    bottom = min(low, 0.99) - 0.02 * (1 - min(low, 0.99))
    drawn = chart(
        lines,
        x=0,
        y=y + 8,
        width=WIDTH,
        height=HEIGHT - 20,
        low=bottom,
        high=1.0,
        first=0,
        axis=translate("layers passed", tongue),
    )
    mark = (
        f'<line id="at" x1="{at:g}" x2="{at:g}" y1="{y + 8:g}" y2="{y + HEIGHT - 12 - FOOT:g}" stroke="currentColor" '
        'opacity="0.6"/>'
    )
    return [drawn, mark, legend(lines, x=MARGIN, y=y + HEIGHT - 6)]


def picture(title: str, senses: Senses, labels: Sequence[str], lines: Sequence[Line], depth: int, tongue: str) -> str:
    """Sentences, the chart, and the matrix at the layer where the pairs differ most."""
    count, right = len(labels), WIDTH + 60
    width = right + count * CELL + 10
    parts = [
        label(shortened(f"{number + 1}  {sentence}", width / SIZE), 4, LINE * (number + 0.7), size=SIZE)
        for number, sentence in enumerate(senses.sentences)
    ]
    top = LINE * len(senses.sentences) + 20
    parts += curve_parts(lines, depth, tongue, top)
    caption = translate("after layer {layer}", tongue).format(layer=depth)
    parts.append(label(caption, right + count * CELL / 2, top + 4, size=SIZE, anchor="middle"))
    for row in range(count):
        y = top + 40 + row * CELL
        parts.append(label(labels[row], right - 8, y + CELL / 2, size=SIZE, anchor="end"))
        parts.append(label(labels[row], right + (row + 0.5) * CELL, top + 28, size=SIZE, anchor="middle"))
        for column in range(count):
            if row == column:
                continue
            value, x = float(senses.cosines[depth, row, column]), right + column * CELL
            parts.append(
                f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{CELL - 2}" height="{CELL - 2}" rx="4" '
                f"{fill(strength(senses, depth, value))}/>"
            )
            parts.append(label(f"{value:.2f}", x + CELL / 2, y + CELL / 2, size=SIZE, anchor="middle"))
    return document(title, width, max(top + HEIGHT, top + 48 + count * CELL), parts)


def notes(senses: Senses, *, writes: bool, tongue: str) -> Iterator[str]:
    if senses.unknown:
        yield translate(
            "This model's vocabulary lacks the word: it reads one and the same sign for all that it does not know, so "
            "only the surroundings can make a difference here.",
            tongue,
        )
    if writes:
        yield translate("This model reads from left to right: at the word it knows only what stands before it.", tongue)
    yield translate(
        "Each number is the cosine between the mean vectors of the word's tokens; 1 is the same direction. Vectors of "
        "one layer tend to point the same way whatever they mean (Ethayarajh 2019), so compare within a layer; shades "
        "run from its least number to its greatest.",
        tongue,
    )
