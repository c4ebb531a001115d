"""Which words a model looks at: every head of every layer, one of them large, and what kind of head each is."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.generation.look import Look
from unmask.views.attention_page import body
from unmask.views.maps import Picture, caption, chart, grid
from unmask.views.statistics import Statistics, statistics
from unmask.views.svg import document, label
from unmask.views.view import View
from unmask.views.words import Word, group, merged, singles

CELLS = 1_500_000
"""Of whole maps, all together: a page of two megabytes."""
SIDE = 24
"""Cells along the side of a thumbnail, at most."""
TELLING = 24
"""Words up to which a picture's cells tell their weights."""


@dataclass(frozen=True)
class Atlas:
    """The maps of a look: heads by their index, H is the mean of all; a map's cells are square roots of weights.

    Args:
        chosen: index of the layer and of the head that is shown first.
        thumbnails: [N, H + 1, n, n].
        whole: (layer, head) -> [W, W], of those for which there was room.
    """

    words: tuple[Word, ...]
    chosen: tuple[int, int]
    statistics: tuple[Statistics, ...]
    thumbnails: Tensor
    whole: dict[tuple[int, int], Tensor]

    @property
    def shown(self) -> Tensor:
        """The chosen map, or its thumbnail."""
        return self.whole.get(self.chosen, self.thumbnails[self.chosen])


def attention_view(
    look: Look, *, name: str, tongue: str, layer: int | None = None, head: int | None = None, merge: bool = True
) -> View:
    """See how each head of a watched reading spreads over the words.

    Args:
        name: the model's.
        layer: shown first; None begins with the head that looks most at the token before, the plainest of patterns.
        head: shown first; None is the mean of the layer's heads, if one is named.
        merge: words instead of tokens.
    Raises:
        RequestError: if the layer or head was not watched.
    """
    atlas = drawn(look, layer, head, merge=merge)
    title = translate("Attention in {model}", tongue).format(model=name)
    trace = look.trace
    small = grid(atlas.thumbnails, trace.layers, trace.heads, atlas.chosen, tongue)
    words = [word.text for word in atlas.words]
    telling = chart(atlas.shown, words, tongue, telling=len(words) <= TELLING and len(words) == len(atlas.shown))
    return View(
        title=title,
        tongue=tongue,
        data=data(look, atlas, name),
        svg=picture(title, small, caption(trace.layers, trace.heads, atlas.chosen, tongue), telling),
        body=body(small, chart(atlas.shown, words, tongue), tongue),
        styles=("attention.css",),
        scripts=("attention.js",),
        notes=notes(look, atlas, tongue, merge=merge),
    )


def drawn(look: Look, layer: int | None, head: int | None, *, merge: bool) -> Atlas:
    """The maps; whole ones of the chosen head first, then of its layer, as many as there is room for."""
    words = group(look) if merge else singles(look)
    trace = look.trace
    found = tuple(statistics(trace.weights[each][0], look.ids) for each in trace.layers)
    chosen = choice(look, found, layer, head)
    wanted = [(at, of) for at in range(len(trace.layers)) for of in range(len(trace.heads) + 1)]
    wanted.sort(key=lambda place: (place != chosen, place[0] != chosen[0]))
    kept = set(wanted[: CELLS // len(words) ** 2])
    side = min(SIDE, len(words))
    thumbnails: list[Tensor] = []
    whole: dict[tuple[int, int], Tensor] = {}
    for at, each in enumerate(trace.layers):
        weights = merged(trace.weights[each][0], words)  # [H, W, W]
        mean = weights.mean(0, keepdim=True)
        thumbnails.append(torch.cat([adaptive_max_pool2d(some, side).sqrt() for some in (weights, mean)]))
        whole |= {(at, of): one.sqrt() for of, one in enumerate((*weights, *mean)) if (at, of) in kept}
    return Atlas(words, chosen, found, torch.stack(thumbnails), whole)


def choice(look: Look, found: tuple[Statistics, ...], layer: int | None, head: int | None) -> tuple[int, int]:
    """The indices of the layer and head that are shown first; see attention_view."""
    layers, heads = look.trace.layers, look.trace.heads
    if layer is not None and layer not in layers:
        raise RequestError("Layer {layer} was not watched; choose one of {layers}.", layer=layer, layers=listed(layers))
    if head is not None and head not in heads:
        raise RequestError("Head {head} was not watched; choose one of {heads}.", head=head, heads=listed(heads))
    if layer is not None:
        return layers.index(layer), len(heads) if head is None else heads.index(head)
    plain = [each.itself if each.previous is None else each.previous for each in found]  # N x [H]
    among = [heads.index(head)] if head is not None else range(len(heads))
    return max(((at, each) for at in range(len(layers)) for each in among), key=lambda best: plain[best[0]][best[1]])


def listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def data(look: Look, atlas: Atlas, name: str) -> dict[str, object]:
    """The numbers of the page; a null head is the mean of the layer's heads."""
    layers, heads = look.trace.layers, [*look.trace.heads, None]
    return {
        "model": name,
        "text": look.text,
        "tokens": look.tokens,
        "words": [word.text for word in atlas.words],
        "groups": [word.tokens for word in atlas.words],
        "layers": layers,
        "heads": heads,
        "chosen": {"layer": layers[atlas.chosen[0]], "head": heads[atlas.chosen[1]]},
        "scale": "weight = (byte / 255) ** 2; bytes in base64, row by row",
        "side": atlas.thumbnails.shape[-1],
        "thumbnails": [[packed(shades) for shades in layer] for layer in atlas.thumbnails],
        "maps": [
            {"layer": layers[layer], "head": heads[head], "cells": packed(shades)}
            for (layer, head), shades in atlas.whole.items()
        ],
        "statistics": [
            {"layer": layers[layer], "head": heads[head], **found.of(head)}
            for layer, found in enumerate(atlas.statistics)
            for head in range(len(look.trace.heads))
        ],
    }


def packed(shades: Tensor) -> str:
    return b64encode((shades * 255).round().to(torch.uint8).cpu().numpy().tobytes()).decode()


def picture(title: str, small: Picture, named: str, large: Picture) -> str:
    """All of it as one SVG file."""
    parts = (
        label(title, 0, 12, size=16),
        small.at(0, 36),
        label(named, 0, small.height + 64, size=14),
        large.at(0, small.height + 84),
    )
    return document(title, max(small.width, large.width) + 4, small.height + large.height + 88, parts)


def notes(look: Look, atlas: Atlas, tongue: str, *, merge: bool) -> tuple[str, ...]:
    """What the pictures do not say, and what is not in them."""
    said = [
        translate(
            "Attention weights say where a head reads, not why the model answers: a word may be read and not used "
            "(Jain and Wallace 2019; Wiegreffe and Pinter 2019).",
            tongue,
        ),
        translate("A mean of heads is a mean: no head need look like it.", tongue),
        translate("The colour grows with the square root of the weight, so that small weights can be seen.", tongue),
    ]
    if merge:
        said.append(
            translate(
                "Tokens are merged to words: attention to a word is the sum over its tokens, attention from it the "
                "mean. The statistics are of the tokens.",
                tongue,
            )
        )
    if atlas.statistics[0].induction is None:
        said.append(translate("No token repeats in this text, so there is no induction score.", tongue))
    return (*said, *missing(look, atlas, tongue))


def missing(look: Look, atlas: Atlas, tongue: str) -> tuple[str, ...]:
    maps, size = atlas.thumbnails[..., 0, 0].numel(), len(atlas.words) ** 2
    if len(atlas.whole) == maps:
        return ()
    return (
        translate(
            "Cells drawn: {drawn:,}; left out: {dropped:,}. {whole} of {maps} maps are whole; the others are "
            "thumbnails of {side} x {side} cells, each the strongest of those it stands for. Watch fewer layers or a "
            "shorter text to see more.",
            tongue,
        ).format(
            drawn=len(atlas.whole) * size,
            dropped=(maps - len(atlas.whole)) * size,
            whole=len(atlas.whole),
            maps=maps,
            side=atlas.thumbnails.shape[-1],
        ),
    )
