"""The logit lens: what a model would say at each place were it to stop after each of its layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.core.lens import Lens, read_lens
from unmask.core.transformer import Transformer
from unmask.generation.blanks import spelled
from unmask.generation.foresight import Alternative
from unmask.generation.look import Look
from unmask.generation.reader import Reader
from unmask.views.labels import percent, visible
from unmask.views.svg import document, escape, fill, label, shortened
from unmask.views.view import View

LAST = 24
MOST = 64
"""Columns that a page takes: those of all layers hold some thousand cells then."""
STRONGEST = 0.75
"""Opacity of the strongest cell: what is written on it can still be read."""
RANKS = 4
"""Decades of ranks that are shaded; a token that ten thousand others beat is as far away as any."""
WIDE, HIGH, SIZE, LEFT = 74, 24, 11, 34


def lens_view(core: Transformer, reader: Reader, look: Look, *, name: str, tongue: str, last: int = LAST) -> View:
    """The view of a look that kept its hidden states.

    Args:
        last: how many places to show, from the end.
    Raises:
        RequestError: if the model predicts no tokens, or `last` is out of its range.
    """
    if not 1 <= last <= MOST:
        raise RequestError(
            "{name} is {value}; it must be from {low} to {high}.", name="last", value=last, low=1, high=MOST
        )
    places = range(max(0, len(look.ids) - last), len(look.ids))
    size = min(reader.spec.embedding.vocab, reader.tokenizer.size)
    readings = readings_of(read_lens(core, look.trace.hidden, places, size=size), places, look, reader)
    title = translate("What {name} would say after each layer", tongue).format(name=name)
    return View(
        title=title,
        tongue=tongue,
        data={
            "model": name,
            "writes": reader.spec.writes,
            "text": look.text,
            "layers": len(look.trace.hidden) - 1,
            "places": list(places),
            "readings": [asdict(each) for each in readings],
        },
        svg=picture(title, readings, len(places)),
        body=body(readings, len(places), writes=reader.spec.writes, tongue=tongue),
        styles=("cards.css",),
        scripts=("cards.js",),
        notes=tuple(notes(len(look.ids), len(places), writes=reader.spec.writes, tongue=tongue)),
    )


@dataclass(frozen=True)
class Reading:
    """One place after so many layers.

    Args:
        token, id, choice: what stands there; and the token that is likeliest after the last layer, as it reads there.
        final, rank: that token's probability here, and how many were likelier.
        best: the likeliest tokens here.
    """

    depth: int
    place: int
    token: str
    id: int
    choice: str
    final: float
    rank: int
    best: tuple[Alternative, ...]


def readings_of(lens: Lens, places: Sequence[int], look: Look, reader: Reader) -> list[Reading]:
    """The lens in words: all places of one depth after another."""
    # A model that writes guesses what follows a place, any other what stands there.
    ends = [place + 1 if reader.spec.writes else place for place in places]
    before = [look.ids[max(0, end - 1) : end] for end in ends]

    @cache
    def word(token: int, before: tuple[int, ...]) -> str:
        return spelled(token, before, reader.tokenizer)

    chosen = lens.best[-1, :, 0].tolist()
    best, probabilities = lens.best.tolist(), lens.probabilities.tolist()
    return [
        Reading(
            depth=depth,
            place=place,
            token=look.tokens[place],
            id=chosen[column],
            choice=word(chosen[column], before[column]),
            final=float(lens.final[depth, column]),
            rank=int(lens.rank[depth, column]),
            best=tuple(
                Alternative(each, word(each, before[column]), probability)
                for each, probability in zip(best[depth][column], probabilities[depth][column], strict=True)
            ),
        )
        for depth in range(len(best))
        for column, place in enumerate(places)
    ]


def by_probability(reading: Reading) -> float:
    return STRONGEST * reading.best[0].probability


def by_rank(reading: Reading) -> float:
    """Full strength where the final choice is the likeliest, less for each tenfold rank."""
    return STRONGEST * max(0.0, 1.0 - math.log10(1 + reading.rank) / RANKS)


def body(readings: Sequence[Reading], columns: int, *, writes: bool, tongue: str) -> str:
    """The page: a row for each depth, and a card of the cell that one points at."""
    heads = "".join(f"<b>{escape(visible(each.token))}</b>" for each in readings[:columns])
    rows = []
    for index, each in enumerate(readings):
        if index % columns == 0:
            rows.append(f'<b class="side">{each.depth}</b>')
        rows.append(marked_up(each, index, last=index == len(readings) - 1))
    probability = translate("shade: probability of the likeliest token", tongue)
    rank = translate("shade: place of the final choice", tongue)
    return (
        '<p class="choice"><label><input type="radio" name="shade" checked> '
        f"{escape(probability)}</label>"
        f'<label><input type="radio" name="shade" id="by-rank"> {escape(rank)}</label></p>'
        '<aside class="cards across" aria-live="polite"></aside>'
        f'<div class="wide lens"><div class="grid" data-columns="{columns}" style="--columns:{columns}">'
        f'<b class="side">{escape(translate("layer", tongue))}</b>{heads}{"".join(rows)}</div></div>'
        f"{card(writes, tongue)}"
    )


def marked_up(reading: Reading, index: int, *, last: bool) -> str:
    best = reading.best[0]
    kinds = f"{'own' if reading.rank == 0 else ''} {'chosen' if last else ''}".strip()
    return (
        f'<span data-cell="{index}" class="{kinds}" tabindex="{-1 if index else 0}" '
        f'style="--p:{by_probability(reading):.2g};--r:{by_rank(reading):.2g}">{escape(visible(best.token))}</span>'
    )


def card(writes: bool, tongue: str) -> str:
    """What the script fills for each cell."""
    fields = (
        ("depth", "text", translate("layers passed", tongue)),
        ("choice", "text", translate("its final choice", tongue)),
        ("final", "percent", translate("probability of that here", tongue)),
        ("rank", "place", translate("place of that here", tongue)),
    )
    rows = "".join(
        f'<div><dt>{escape(what)}</dt><dd data-field="{field}" data-form="{form}"></dd></div>'
        for field, form, what in fields
    )
    read = translate("Expected after this token", tongue) if writes else translate("Read at this place", tongue)
    return (
        f'<template id="card"><article><div><h2 data-field="token" data-form="text"></h2><dl>{rows}</dl></div>'
        f"<div><p>{escape(read)}</p><ol></ol></div></article></template>"
    )


def notes(length: int, columns: int, *, writes: bool, tongue: str) -> Iterator[str]:
    if columns < length:
        yield translate("Shown are the last {shown} of {length} tokens; {left} are left out.", tongue).format(
            shown=columns, length=length, left=length - columns
        )
    if not writes:
        yield translate(
            "This model fills blanks and none is hidden here: each place is read as what the model takes to stand "
            "there.",
            tongue,
        )
    yield translate(
        "Each row is the stream between two layers, read as if it were the last: through the model's own final norm "
        "and head (nostalgebraist 2020). Row 0 is before the first layer, the last row is what the model really says. "
        "What a middle layer holds need not be written in the last one's terms, so a cell that reads as nonsense is "
        "not proof of nonsense.",
        tongue,
    )
    yield translate("Bold where the likeliest token is already the final choice.", tongue)


def picture(title: str, readings: Sequence[Reading], columns: int) -> str:
    """The same grid, shaded by probability."""
    parts = [
        label(
            shortened(visible(each.token), WIDE / SIZE - 0.6),
            LEFT + (at + 0.5) * WIDE,
            HIGH / 2,
            size=SIZE,
            anchor="middle",
        )
        for at, each in enumerate(readings[:columns])
    ]
    for index, each in enumerate(readings):
        row, column = divmod(index, columns)
        x, y = LEFT + column * WIDE, (row + 1) * HIGH
        if column == 0:
            parts.append(label(str(each.depth), LEFT - 8, y + HIGH / 2, size=SIZE, anchor="end"))
        best = each.best[0]
        told = f"{escape(visible(best.token))} {percent(best.probability)}"
        parts.append(
            f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{WIDE - 2}" height="{HIGH - 2}" rx="3" '
            f"{fill(by_probability(each))}><title>{told}</title></rect>"
        )
        parts.append(
            label(
                shortened(visible(best.token), WIDE / SIZE - 0.6),
                x + WIDE / 2,
                y + HIGH / 2,
                size=SIZE,
                anchor="middle",
            )
        )
    return document(title, LEFT + columns * WIDE, (len(readings) // columns + 1) * HIGH, parts)
