"""What "its" refers to: the sentence of figure 4 in "Attention Is All You Need", and the head that looks there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.language import translate
from unmask.core.trace import Watch
from unmask.core.transformer import Transformer
from unmask.generation.look import Look, look
from unmask.generation.reader import Reader
from unmask.views.charts import ROW, Bar, bars
from unmask.views.guides.guide import STYLES, found, heading, lead, page, prose, quoted, scrolled
from unmask.views.labels import percent
from unmask.views.occurrences import overlapping, word_spans
from unmask.views.svg import COOL, WARM, cells, document, drawing, label
from unmask.views.view import View
from unmask.views.words import group, merged

MOSTLY, SOME, TIMES = 0.5, 0.2, 3.0
"""Shares of a head's attention from which it is said to look there mostly, or in part; and how many times the average
of all heads that must be, for where all look no head looks for a reason."""
WIDTH, NAMES, CELL, TOP = 400, 110, 16, 40


@dataclass(frozen=True)
class Sight:
    """Where a word looks.

    Args:
        share: [N, H], how much of each head's attention goes to what the word refers to.
        words: of the sentence; `seen` is where the best head's attention goes, a share each.
        visible: how many tokens it could look at, and how many of these it refers to.
    """

    share: Tensor
    layer: int
    head: int
    words: tuple[str, ...]
    seen: tuple[float, ...]
    visible: int
    tokens: int


def title(tongue: str) -> str:
    return translate("What does “its” refer to?", tongue)


def make(core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The page; any model can show it."""
    # Source: Vaswani et al. 2017, figure 4.
    text = translate("The Law will never be perfect, but its application should be just.", tongue)
    word, meant = translate("its", tongue), translate("Law", tongue)
    sight = sight_of(look(core, reader, text, watch=Watch()), word, meant, writes=reader.spec.writes)
    grid, list_of = figure(sight, meant, tongue), [Bar(*each) for each in rows(sight, meant)]
    listed = bars(list_of, x=0, y=TOP, width=WIDTH, names=NAMES)
    layers, heads = sight.share.shape
    left = heads * CELL + 90
    height = max(layers * CELL, len(list_of) * ROW) + TOP + 30
    caption = label(headed(sight, tongue), NAMES, TOP / 2, size=12)
    parts = [*grid, f'<g transform="translate({left} 0)">{caption}{listed}</g>']
    return View(
        title=title(tongue),
        tongue=tongue,
        data={
            "model": reader.title,
            "text": text,
            "word": word,
            "meant": meant,
            "share": sight.share.tolist(),
            "layer": sight.layer,
            "head": sight.head,
            "words": list(sight.words),
            "seen": list(sight.seen),
        },
        svg=document(title(tongue), left + WIDTH, height, parts),
        styles=STYLES,
        body=page(
            lead(
                translate(
                    "You know at once what is to be applied justly. Nothing in the word says so: it has to be looked "
                    "up in the sentence, and attention is how a Transformer looks. Vaswani et al. (2017, figure 4) "
                    "show two heads of their translator in which the attention of “its” is very sharp.",
                    tongue,
                )
            ),
            quoted(text),
            prose(
                translate(
                    "Left: a row for each layer and a column for each head; the stronger the colour, the more of what "
                    "the head reads at “{word}” comes from “{meant}”. Right: all that the strongest of them reads.",
                    tongue,
                ).format(word=word, meant=meant)
            ),
            scrolled(drawing(title(tongue), left + WIDTH, height, parts)),
            heading(translate("What this model shows", tongue)),
            found(verdict(sight, word, meant, reader.title, tongue)),
        ),
        notes=tuple(notes(sight, reader, word, tongue)),
    )


def sight_of(seen: Look, word: str, meant: str, *, writes: bool) -> Sight:
    """Where the first occurrence of a word looks, in all layers and heads."""
    own, target = (overlapping(seen, *word_spans(each, seen.text)[0]) for each in (word, meant))
    weights = torch.stack([seen.trace.weights[layer][0] for layer in seen.trace.layers])  # [N, H, T, T]
    share = weights[:, :, list(own)][..., list(target)].sum(dim=-1).mean(dim=-1)
    layer, head = divmod(int(share.argmax()), share.shape[1])
    words = group(seen)
    from_word = next(at for at, each in enumerate(words) if own[0] in each.tokens)
    visible = own[-1] + 1 if writes else len(seen.ids)
    return Sight(
        share=share,
        layer=layer,
        head=head,
        words=tuple(each.text for each in words),
        seen=tuple(merged(weights[layer, head], words)[from_word].tolist()),
        visible=visible,
        tokens=len(target),
    )


def rows(sight: Sight, meant: str) -> list[tuple[str, float, str, str]]:
    """The best head's attention, a bar for each word it could see."""
    return [
        (word, share, percent(share), COOL if word in meant else WARM)
        for word, share in zip(sight.words, sight.seen, strict=True)
        if share > 0
    ]


def headed(sight: Sight, tongue: str) -> str:
    return translate("layer {layer}, head {head}", tongue).format(layer=sight.layer, head=sight.head)


def figure(sight: Sight, meant: str, tongue: str) -> list[str]:
    """The layer by head grid, the best head framed."""
    layers, heads = sight.share.shape
    left = 44.0

    def told(layer: int, head: int) -> str:
        place = translate("layer {layer}, head {head}", tongue).format(layer=layer, head=head)
        return f"{place}: {percent(float(sight.share[layer, head]))}"

    frame = (
        f'<rect x="{left + sight.head * CELL}" y="{TOP + sight.layer * CELL}" width="{CELL}" height="{CELL}" '
        'fill="none" stroke="currentColor" stroke-width="1.5"/>'
    )
    numbers = [
        label(str(number), left - 6, TOP + (number + 0.5) * CELL, size=10, anchor="end")
        for number in range(0, layers, 2)
    ]
    return [
        label(translate("attention to “{meant}”", tongue).format(meant=meant), left, TOP / 2, size=12),
        cells(sight.share, told, x=left, y=TOP, width=heads * CELL, height=layers * CELL),
        frame,
        *numbers,
        label(translate("heads", tongue), left + heads * CELL / 2, TOP + layers * CELL + 14, size=11, anchor="middle"),
    ]


def verdict(sight: Sight, word: str, meant: str, name: str, tongue: str) -> str:
    """What the numbers say, and no more."""
    best = float(sight.share[sight.layer, sight.head])
    stands_out = best >= TIMES * float(sight.share.mean())
    if best >= MOSTLY and stands_out:
        text = translate(
            "Yes: in head {head} of layer {layer} of {name}, {best} of what “{word}” reads comes from “{meant}”.",
            tongue,
        )
    elif best >= SOME and stands_out:
        text = translate(
            "In part: the strongest is head {head} of layer {layer} of {name}, where {best} of what “{word}” reads "
            "comes from “{meant}”.",
            tongue,
        )
    else:
        text = translate(
            "Not clearly: no head of {name} stands out. The strongest is head {head} of layer {layer}, where {best} of "
            "what “{word}” reads comes from “{meant}”.",
            tongue,
        )
    even = translate(
        "On average over all {count} heads it is {mean}; spread evenly over all that it sees it would be {chance}.",
        tongue,
    )
    told = text.format(head=sight.head, layer=sight.layer, name=name, best=percent(best), word=word, meant=meant)
    averaged = even.format(
        count=sight.share.numel(), mean=percent(float(sight.share.mean())), chance=percent(sight.tokens / sight.visible)
    )
    return translate("{first} {second}", tongue).format(first=told, second=averaged)


def notes(sight: Sight, reader: Reader, word: str, tongue: str) -> Sequence[str]:
    seen = [
        translate(
            "The head was picked after looking at all of them, and what a head looks at is not yet why the model says "
            "what it says (Jain and Wallace 2019).",
            tongue,
        )
    ]
    if reader.spec.writes:
        seen.append(
            translate(
                "This model reads from left to right: at “{word}” it sees only what stands before. Many heads rest on "
                "the first token when they have nothing to do.",
                tongue,
            ).format(word=word)
        )
    return seen
