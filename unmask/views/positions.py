"""How a model knows where a token stands, and what is left of a text when it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unmask.base.language import translate
from unmask.core.positions import LearnedSpec, Rotary
from unmask.core.transformer import Transformer
from unmask.generation.look import named
from unmask.generation.reader import Reader
from unmask.text.tokenizer import Encoding
from unmask.views.charts import MARGIN, Line, chart, legend
from unmask.views.labels import percent, visible
from unmask.views.shuffle import Change, Shuffle, shuffle
from unmask.views.svg import COOL, WARM, document, drawing, escape, heat, label, shortened
from unmask.views.view import View

MOST = 128
"""Positions that are drawn; a pixel each."""
MAP = 262
TYPICAL = 0.99
"""Numbers of a table that are within its colours; the few beyond are drawn as strong as these."""
TRIED = 128
"""Tokens that are shuffled; the text is read four times for it."""
WORDS = 64
"""Tokens whose change is listed."""
SIDE, WIDTH, HEIGHT, SIZE = 300, 440, 320, 12


@dataclass(frozen=True)
class Encodings:
    """What tells positions apart.

    Args:
        kind: "learned", "rotary" or "none".
        values: [P, C], from -1 to 1: a row of the table over what is large in it, or each pair's cosine.
        likeness: [P, P], the cosine between the encodings of two positions (for rotary: of one vector turned to both).
    """

    kind: str
    values: Tensor
    likeness: Tensor


def encodings(core: Transformer, count: int) -> Encodings:
    """The encodings of the first positions: `count` of them, or as many as there are."""
    learned, rotary = core.spec.embedding.positions, core.spec.blocks[0].attention.position
    if isinstance(learned, LearnedSpec):
        assert isinstance(core.embedding.positions, nn.Embedding)
        rows = core.embedding.positions.weight.detach()[learned.first :][:count].float().cpu()
        each = torch.nn.functional.normalize(rows, dim=-1)
        # A few channels are far larger than all others; measured by them there would be nothing to see.
        most = rows.abs().flatten().quantile(TYPICAL)
        return Encodings("learned", (rows / most).clamp(-1.0, 1.0), each @ each.T)
    if rotary is None:
        return Encodings("none", torch.empty(0, 0), torch.empty(0, 0))
    return turned(rotary, count)


def turned(rotary: Rotary, count: int) -> Encodings:
    turn = rotary.turn(torch.arange(count)[None], torch.float32)
    pairs = rotary.width // 2
    cosine, sine = turn.cosine[0, 0, :, :pairs], turn.sine[0, 0, :, pairs:]  # [P, D/2]
    sharpness = (cosine**2 + sine**2).mean()
    likeness = (cosine @ cosine.T + sine @ sine.T) / (sharpness * pairs)
    return Encodings("rotary", cosine / sharpness.sqrt(), likeness)


def positions_view(core: Transformer, reader: Reader, text: str, encoding: Encoding, *, name: str, tongue: str) -> View:
    """The view of a model's positions, and of shuffling this text.

    Raises:
        RequestError: if the text has too few tokens to change places.
    """
    shown = encodings(core, min(MOST, core.spec.context))
    tokens = named(text, encoding, reader.tokenizer)[:TRIED]
    movable = movable_of(encoding.spans[:TRIED], writes=reader.spec.writes)
    tried = shuffle(core, encoding.ids[:TRIED], movable)
    title = translate("How {name} knows where a word stands", tongue).format(name=name)
    figures = figures_of(shown, tried, reader.spec.writes, tongue)
    return View(
        title=title,
        tongue=tongue,
        data=data_of(shown, tried, name) | {"text": text, "tokens": list(tokens)},
        svg=picture(title, figures),
        body=body(figures, tokens, tried, movable, writes=reader.spec.writes, tongue=tongue),
        styles=("positions.css",),
        notes=(
            *notes(core, shown, movable, writes=reader.spec.writes, tongue=tongue),
            *left_out(len(encoding.ids), len(tokens), tongue),
        ),
    )


def movable_of(spans: Sequence[tuple[int, int]], *, writes: bool) -> list[int]:
    """The places of the text's own tokens; of a model that writes not the first and the last.

    The last is where it is asked what comes next, and the first is one that many heads rest on.
    """
    own = [place for place, (start, end) in enumerate(spans) if start < end]
    return own[1:-1] if writes else own


def data_of(shown: Encodings, tried: Shuffle, name: str) -> dict[str, object]:
    def change(of: Change) -> dict[str, object]:
        return {"distance": of.distance.tolist(), "shift": of.shift}

    return {
        "model": name,
        "kind": shown.kind,
        "positions": len(shown.values),
        "values": rounded(shown.values),
        "likeness": rounded(shown.likeness),
        "order": list(tried.order),
        "with_positions": change(tried.placed),
        "without_positions": change(tried.unplaced),
    }


def rounded(values: Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in values.tolist()]


@dataclass(frozen=True)
class Figure:
    """A drawing, and what it shows."""

    parts: str
    width: int
    height: int
    caption: str


def figures_of(shown: Encodings, tried: Shuffle, writes: bool, tongue: str) -> list[Figure]:
    found = []
    if shown.kind != "none":
        caption = (
            translate("The table: rows are positions, columns channels", tongue)
            if shown.kind == "learned"
            else translate("The turns' cosines: rows are positions", tongue)
        )
        found.append(Figure(framed(shown.values), SIDE, MAP + 16, caption))
        found.append(Figure(framed(shown.likeness), SIDE, MAP + 16, translate("How alike two positions are", tongue)))
    layers = [curve(tried.placed, writes), curve(tried.unplaced, writes)]
    names = [translate("with positions", tongue), translate("without", tongue)]
    lines = [
        Line(layers[0], names[0]),
        Line(layers[1], names[1], colour=WARM, dashed=True),
    ]
    drawn = chart(
        lines,
        x=0,
        y=8,
        width=WIDTH,
        height=HEIGHT - 20,
        low=0.0,
        high=max(max(layers[0]), max(layers[1]), 0.01) * 1.05,
        first=1,
        axis=translate("layers passed", tongue),
    )
    caption = (
        translate("How far shuffling moves the last token's vector", tongue)
        if writes
        else translate("How far shuffling moves a token's vector on average", tongue)
    )
    return [*found, Figure(drawn + legend(lines, x=MARGIN, y=HEIGHT - 6), WIDTH, HEIGHT, caption)]


def curve(change: Change, writes: bool) -> list[float]:
    """After each layer, how far the last token's vector moved where that is what writes, else the mean of all."""
    moved = change.distance[:, -1] if writes else change.distance.mean(dim=-1)
    return [float(value) for value in moved]


def framed(values: Tensor) -> str:
    """A heat map with its positions numbered from the top."""
    rows = len(values)
    marks = [
        label(str(number), 30, 8 + MAP * (number + 0.5) / rows, size=11, anchor="end")
        for number in sorted({0, rows // 4, rows // 2, 3 * rows // 4, rows - 1})
    ]
    return heat(values, x=36, y=8, width=SIDE - 44, height=MAP, signed=True) + "".join(marks)


def picture(title: str, figures: Sequence[Figure]) -> str:
    """All figures side by side, each under its caption."""
    parts, x = [], 0
    for figure in figures:
        parts.append(label(shortened(figure.caption, figure.width / SIZE), x + 6, 14, size=SIZE))
        parts.append(f'<g transform="translate({x} 28)">{figure.parts}</g>')
        x += figure.width + 20
    return document(title, x, HEIGHT + 30, parts)


def body(
    figures: Sequence[Figure],
    tokens: Sequence[str],
    tried: Shuffle,
    movable: Sequence[int],
    *,
    writes: bool,
    tongue: str,
) -> str:
    """The page: how positions are written down, then the experiment."""
    drawn = [
        f"<figure>{drawing(each.caption, each.width, each.height, [each.parts])}"
        f"<figcaption>{escape(each.caption)}</figcaption></figure>"
        for each in figures
    ]
    shuffled = "".join(
        f"<span{' class=moved' if place in set(movable) else ''}>{escape(visible(tokens[at]))}</span> "
        for place, at in enumerate(tried.order)
    )
    return (
        f"<div class='row'>{''.join(drawn[:-1])}</div>"
        f"<h2>{escape(translate('The same tokens in another order', tongue))}</h2>"
        f"<p class='shuffled'>{shuffled}</p>{outcome(tried, movable, writes=writes, tongue=tongue)}"
        f"<div class='row'>{drawn[-1]}{table(tokens, tried, movable, tongue)}</div>"
    )


def outcome(tried: Shuffle, movable: Sequence[int], *, writes: bool, tongue: str) -> str:
    """What happened, in a sentence."""
    placed, unplaced = tried.placed.shift, tried.unplaced.shift
    if placed is not None and unplaced is not None:
        told = translate(
            "Of what it expects after the last token, {placed} moved elsewhere; without positions {unplaced}.", tongue
        ).format(placed=percent(placed), unplaced=percent(unplaced))
    else:
        moved = tried.placed.distance[-1][list(movable)]
        kept = tried.unplaced.distance[-1][list(movable)]
        told = translate(
            "At the end the moved tokens are {placed:.3f} away from what they were on average; without positions at "
            "most {unplaced:.0e}.",
            tongue,
        ).format(placed=float(moved.mean()), unplaced=float(kept.max()))
    return f"<p class='told'>{escape(told)}</p>"


def table(tokens: Sequence[str], tried: Shuffle, movable: Sequence[int], tongue: str) -> str:
    """How far each token's final vector moved, as bars."""
    placed, unplaced = tried.placed.distance[-1].tolist(), tried.unplaced.distance[-1].tolist()
    most = max(max(placed), max(unplaced), 1e-3)
    moved = set(movable)
    rows = []
    for place, token in enumerate(tokens[:WORDS]):
        bars = "".join(
            f"<td><i style='width:{100 * value / most:.1f}%;background:{colour}'></i></td><td>{value:.3f}</td>"
            for value, colour in ((placed[place], COOL), (unplaced[place], WARM))
        )
        rows.append(f"<tr><th{'' if place in moved else ' class=kept'}>{escape(visible(token))}</th>{bars}</tr>")
    named = translate("with positions", tongue), translate("without", tongue)
    heads = "".join(f"<th colspan=2>{escape(each)}</th>" for each in named)
    return f"<div class='wide'><table class='moves'><tr><th></th>{heads}</tr>{''.join(rows)}</table></div>"


def notes(core: Transformer, shown: Encodings, movable: Sequence[int], *, writes: bool, tongue: str) -> Iterator[str]:
    if shown.kind == "none":
        yield translate("This model marks no positions at all: there is nothing to draw.", tongue)
    elif len(shown.values) < core.spec.context:
        yield translate("Drawn are the first {shown} of {context} positions.", tongue).format(
            shown=len(shown.values), context=core.spec.context
        )
    if shown.kind == "rotary":
        yield translate(
            "Rotary positions (Su et al. 2021) are no vectors that are added: they turn the queries and keys of every "
            "layer, fast in the first pairs of channels and slowly in the last, so that two tokens feel their "
            "distance.",
            tongue,
        )
    yield translate(
        "{count} tokens changed places, each of them, by a fixed seed; distances are 1 minus the cosine between a "
        "token's vectors in order and shuffled, 0 is no change. Without positions means that every token is told it "
        "stands at position 0.",
        tongue,
    ).format(count=len(movable))
    if writes:
        yield translate(
            "The first and the last token stay. Without positions the last one sees after the first layer the very "
            "same set as before; but a model that writes sees only what came before, so what the other tokens saw "
            "differs, and from the second layer on order leaks through.",
            tongue,
        )


def left_out(whole: int, tried: int, tongue: str) -> Iterator[str]:
    if tried < whole:
        yield translate(
            "Only the first {tried} of {whole} tokens were shuffled; the others were left out.", tongue
        ).format(tried=tried, whole=whole)
    if tried > WORDS:
        yield translate("The change is listed of the first {count} tokens.", tongue).format(count=WORDS)
