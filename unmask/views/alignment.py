"""Which words of a text a translation's words come from: where each looked as it was said."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.generation.aligned import Aligned, Side
from unmask.views.maps import caption, chart, grid
from unmask.views.svg import document, label
from unmask.views.view import View
from unmask.views.words import Word, group, merged, singles

SIDE = 24
"""Cells along the side of a thumbnail, at most."""
BLANK = " \u2581"
"""In a text, and in SentencePiece's vocabularies."""
SHALLOW = 3
"""Layers of a decoder; of two layers learnt on Multi30k the last had an alignment error of 0.36, the first 0.56."""
TELLING = 1600
"""Cells up to which each tells its weight."""


@dataclass(frozen=True)
class Sheet:
    """What is drawn: the words of both sides, weights [N, H + 1, T, S] between them, the mean of heads last."""

    rows: tuple[Word, ...]
    columns: tuple[Word, ...]
    weights: Tensor
    chosen: tuple[int, int]

    @property
    def shown(self) -> Tensor:
        return self.weights[self.chosen]


def alignment_view(
    found: Aligned, *, name: str, tongue: str, layer: int | None = None, head: int | None = None, merge: bool = True
) -> View:
    """See what each word of a translation looked at.

    Args:
        name: the model's.
        layer: counted from 0; None is the one that follows words best: the last but one of deep decoders (Garg et al.
            2019, section 4.1), the last of up to SHALLOW.
        head: counted from 0; None is the mean of the layer's.
        merge: words instead of tokens.
    Raises:
        RequestError: if there is no such layer or head.
    """
    sheet = drawn(found, layer, head, merge=merge)
    depth, heads = found.weights.shape[:2]
    title = translate("Alignment in {model}", tongue).format(model=name)
    large = chart(
        sheet.shown.sqrt(),
        [word.text for word in sheet.rows],
        tongue,
        seen=[word.text for word in sheet.columns],
        telling=sheet.shown.numel() <= TELLING,
    )
    parts, top, width = [label(title, 0, 12, size=16)], 36.0, large.width
    if depth * heads > 1:
        small = grid(thumbnails(sheet.weights), range(depth), range(heads), sheet.chosen, tongue)
        named = caption(range(depth), range(heads), sheet.chosen, tongue)
        parts += [small.at(0, top), label(named, 0, top + small.height + 28, size=14)]
        top, width = top + small.height + 48, max(width, small.width)
    parts.append(large.at(0, top))
    return View(
        title=title,
        tongue=tongue,
        data=data(found, sheet, name),
        svg=document(title, width + 4, top + large.height + 4, parts),
        notes=notes(tongue, merge=merge),
    )


def drawn(found: Aligned, layer: int | None, head: int | None, *, merge: bool) -> Sheet:
    depth, heads = found.weights.shape[:2]
    for kind, number, count in (("layer", layer, depth), ("head", head, heads)):
        if number is not None and not 0 <= number < count:
            raise RequestError(
                "There is no {kind} {number}: the model has {count}, counted from 0 to {last}.",
                kind=kind,
                number=number,
                count=count,
                last=count - 1,
            )
    rows, columns = (whole(side) if merge else singles(side) for side in (found.target, found.source))
    weights = merged(found.weights, rows, columns)
    weights = torch.cat([weights, weights.mean(1, keepdim=True)], dim=1)
    return Sheet(
        rows,
        columns,
        weights,
        ((depth - 1 if depth <= SHALLOW else depth - 2) if layer is None else layer, heads if head is None else head),
    )


def whole(side: Side) -> tuple[Word, ...]:
    """The words of a side; a token that is nothing but a blank belongs to the word that it comes before."""
    words, blanks = list[Word](), tuple[int, ...]()
    for word in group(side):
        if any(side.tokens[token].strip(BLANK) for token in word.tokens):
            words.append(Word(word.text, blanks + word.tokens))
            blanks = ()
        else:
            blanks += word.tokens
    return (*words, Word("␣", blanks)) if blanks else tuple(words)


def thumbnails(weights: Tensor) -> Tensor:
    """[N, H, T, S] as squares [N, H, n, n] of square roots."""
    side = min(SIDE, max(weights.shape[-2:]))
    small: Tensor = adaptive_max_pool2d(weights.flatten(0, 1), side)
    return small.sqrt().view(*weights.shape[:2], side, side)


def data(found: Aligned, sheet: Sheet, name: str) -> dict[str, object]:
    """The numbers: of the map that is shown, by words; a null head is the mean of the layer's heads."""
    layer, head = sheet.chosen
    return {
        "model": name,
        "source": found.source.text,
        "target": found.target.text,
        "source_words": [word.text for word in sheet.columns],
        "target_words": [word.text for word in sheet.rows],
        "layer": layer,
        "head": None if head == found.weights.shape[1] else head,
        "layers": found.weights.shape[0],
        "heads": found.weights.shape[1],
        "weights": [[round(weight, 4) for weight in row] for row in sheet.shown.tolist()],
        "links": links(sheet.shown),
    }


def links(weights: Tensor) -> list[list[int]]:
    """For each target word [T, S] the source word it looked at most: pairs [source, target], counted from 0."""
    return [[int(best), row] for row, best in enumerate(weights.argmax(-1))]


def notes(tongue: str, *, merge: bool) -> tuple[str, ...]:
    """What the picture does not say."""
    said = [
        translate(
            "Each row is a word of the translation, with where the model looked as it said it. That need not be the "
            "word it stands for: a decoder may look where it goes next (Koehn and Knowles 2017, section 3.5).",
            tongue,
        ),
        translate("The colour grows with the square root of the weight, so that small weights can be seen.", tongue),
    ]
    if merge:
        said.append(
            translate(
                "Tokens are merged to words: attention to a word is the sum over its tokens, attention from it the "
                "mean.",
                tongue,
            )
        )
    return tuple(said)
