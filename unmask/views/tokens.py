"""A text shaded by how well its model foresaw each token, and what else might have stood there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.generation.foresight import Foreseen
from unmask.views.labels import percent, visible
from unmask.views.svg import document, ems, escape, fill, label
from unmask.views.view import View

LEAST = 1.4e-45
"""A probability that float32 no longer holds counts as the smallest that it does."""
STRONGEST = 0.75
"""Opacity of a token that nobody would have expected: what is written on it can still be read."""
DECADES = 4
"""A ten-thousandth and less are shaded alike."""
PAGE, LINE, SIZE = 760, 30, 15


@dataclass(frozen=True)
class Cell:
    """Characters that are shaded as one, and their tokens; none where no token stands for them."""

    text: str
    tokens: tuple[int, ...]


def tokens_view(
    text: str,
    spans: Sequence[tuple[int, int]],
    tokens: Sequence[str],
    foreseen: Sequence[Foreseen],
    *,
    masked: bool,
    name: str,
    tongue: str,
) -> View:
    """The view of a text whose last tokens were foreseen.

    Args:
        spans, tokens: as a Look has them.
        masked: whether the model saw the rest of the text on both sides.
    Raises:
        RequestError: if nothing was foreseen.
    """
    if not foreseen:
        raise RequestError("A score needs at least two tokens; this text has {count}.", count=len(tokens))
    start, cells = len(tokens) - len(foreseen), cells_of(text, spans, tokens)
    readings = [
        {"token": token, "start": span[0], "end": span[1], **asdict(each)}
        for token, span, each in zip(tokens[start:], spans[start:], foreseen, strict=True)
    ]
    title = translate("How well {name} foresaw this text", tongue).format(name=name)
    totals = totals_of(foreseen)
    data = {"model": name, "masked": masked, "text": text, "first": start, **totals, "readings": readings}
    return View(
        title=title,
        tongue=tongue,
        data=data,
        svg=picture(title, cells, foreseen, start),
        body=body(cells, foreseen, start, totals, masked=masked, tongue=tongue),
        styles=("cards.css",),
        scripts=("cards.js",),
        notes=tuple(notes(cells, start, masked=masked, tongue=tongue)),
    )


def cells_of(text: str, spans: Sequence[tuple[int, int]], tokens: Sequence[str]) -> list[Cell]:
    """The whole text in order; tokens that share a character make one cell, one without characters has its own."""
    found: list[Cell] = []
    at = 0  # all characters before this one are in a cell
    for token, (start, end) in enumerate(spans):
        if start < min(at, end):
            last = found.pop()
            found.append(Cell(last.text + text[at:end], (*last.tokens, token)))
        else:
            if at < start:
                found.append(Cell(text[at:start], ()))
            found.append(Cell(text[start:end] or tokens[token], (token,)))
        at = max(at, end)
    return [*found, Cell(text[at:], ())] if at < len(text) else found


def totals_of(foreseen: Sequence[Foreseen]) -> dict[str, float]:
    """The geometric mean's inverse, the mean, and the share of tokens that nothing was likelier than."""
    probabilities = [each.probability for each in foreseen]
    return {
        "perplexity": math.exp(-sum(math.log(max(each, LEAST)) for each in probabilities) / len(probabilities)),
        "mean": sum(probabilities) / len(probabilities),
        "first_choice": sum(each.rank == 0 for each in foreseen) / len(foreseen),
    }


def probability(cell: Cell, foreseen: Sequence[Foreseen], start: int) -> float | None:
    """The product over the cell's tokens; None if one of them was not foreseen."""
    if not cell.tokens or cell.tokens[0] < start:
        return None
    return math.prod(foreseen[token - start].probability for token in cell.tokens)


def strength(probability: float) -> float:
    """How strongly to shade: nothing for a certainty, as much again for each tenth of a chance."""
    return STRONGEST * min(-math.log10(max(probability, LEAST)) / DECADES, 1.0)


def body(
    cells: Sequence[Cell],
    foreseen: Sequence[Foreseen],
    start: int,
    totals: dict[str, float],
    *,
    masked: bool,
    tongue: str,
) -> str:
    """The page: totals, the text itself, and a card of what one points at."""
    perplexity = translate("pseudo-perplexity", tongue) if masked else translate("perplexity", tongue)
    figures = (
        (f"{totals['perplexity']:.4g}", perplexity),
        (percent(totals["mean"]), translate("mean probability", tongue)),
        (percent(totals["first_choice"]), translate("of the tokens were its first choice", tongue)),
        (str(len(foreseen)), translate("tokens", tongue)),
    )
    shown = "".join(f"<div><b>{value}</b><span>{escape(what)}</span></div>" for value, what in figures)
    marked = "".join(marked_up(cell, foreseen, start) for cell in cells)
    return (
        f'<div class="totals">{shown}</div><p class="scale">{scale(tongue)}</p>'
        f'<div class="beside"><div class="reading">{marked}</div><aside class="cards" aria-live="polite"></aside></div>'
        f"{card(tongue)}"
    )


def scale(tongue: str) -> str:
    """What the shades mean."""
    steps = [10.0**-power for power in range(DECADES + 1)]
    shades = [f'<i style="--s:{strength(each):.3g}">{100 * each:g} %</i>' for each in steps]
    return f"{escape(translate('Probability', tongue))} {''.join(shades)} {escape(translate('or less', tongue))}"


def marked_up(cell: Cell, foreseen: Sequence[Foreseen], start: int) -> str:
    """A cell as HTML, shaded; its readings are those that the card shows."""
    text = escape(cell.text)
    chance = probability(cell, foreseen, start)
    if chance is None:
        return text
    readings = " ".join(str(token - start) for token in cell.tokens)
    title = f"{visible(cell.text)} {percent(chance)}"
    reached = -1 if cell.tokens[0] > start else 0  # by the tab key; by the arrows all
    return (
        f'<span data-cell="{readings}" tabindex="{reached}" style="--s:{strength(chance):.3g}" title="{escape(title)}">'
        f"{text}</span>"
    )


def card(tongue: str) -> str:
    """What the script fills for each token."""
    fields = (
        ("probability", "percent", translate("probability", tongue)),
        ("rank", "place", translate("place among all tokens", tongue)),
        ("entropy", "nats", translate("entropy, nats", tongue)),
    )
    rows = "".join(
        f'<div><dt>{escape(what)}</dt><dd data-field="{field}" data-form="{form}"></dd></div>'
        for field, form, what in fields
    )
    return (
        f'<template id="card"><article><h2 data-field="token" data-form="text"></h2><dl>{rows}</dl>'
        f"<p>{escape(translate('Expected here', tongue))}</p><ol></ol></article></template>"
    )


def notes(cells: Sequence[Cell], start: int, *, masked: bool, tongue: str) -> Iterator[str]:
    if masked:
        yield translate(
            "This model fills blanks: each token was hidden in turn and guessed from all the others. The result is a "
            "pseudo-likelihood (Salazar et al. 2020), not to be compared with that of a model that writes.",
            tongue,
        )
    yield translate("Probabilities are the model's own, before temperature and penalties.", tongue)
    if any(len(cell.tokens) > 1 for cell in cells):
        yield translate(
            "Tokens that make up a character together are shown as one, with the product of their probabilities.",
            tongue,
        )
    if start == 1 and not masked:
        yield translate("Nothing comes before the first token, so nothing was expected there.", tongue)
    elif start:
        yield translate("Not shaded, because not asked about: the first {count} tokens.", tongue).format(count=start)


def picture(title: str, cells: Sequence[Cell], foreseen: Sequence[Foreseen], start: int) -> str:
    """The text in lines, shaded."""
    parts, x, y = [], 0.0, LINE / 2
    for cell in cells:
        chance = probability(cell, foreseen, start)
        for number, piece in enumerate(cell.text.split("\n")):
            wide = ems(piece) * SIZE
            if number or (x and x + wide > PAGE):
                x, y = 0.0, y + LINE
            if chance is not None and piece:
                parts.append(
                    f'<rect x="{x:g}" y="{y - LINE * 0.4:g}" width="{wide:g}" height="{LINE * 0.8:g}" rx="3" '
                    f"{fill(strength(chance))}><title>{escape(percent(chance))}</title></rect>"
                )
            # Set to the width that was estimated, whatever the font, so that shade and letters agree.
            parts.append(stretched(piece, x, y, wide))
            x += wide
    return document(title, PAGE, y + LINE, parts)


def stretched(piece: str, x: float, y: float, wide: float) -> str:
    if not piece.strip():
        return ""
    left = (ems(piece) - ems(piece.lstrip())) * SIZE
    length = ems(piece.strip()) * SIZE
    text = label(piece.strip(), x + left, y, size=SIZE)
    return text.replace("<text ", f'<text textLength="{length:g}" lengthAdjust="spacingAndGlyphs" ', 1)
