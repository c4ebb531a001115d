"""What the guides of a word with two meanings share: its occurrences, and what the numbers say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unmask.base.language import translate
from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.views.guides.guide import STYLES, found, heading, lead, page, prose
from unmask.views.occurrences import Senses, senses
from unmask.views.sense import gap_of, nearest, sense_view
from unmask.views.view import View

CLEAR, SLIGHT = 0.05, 0.01
"""Gaps between two meanings, in cosines, from which they are said to lie apart, or a little apart."""


@dataclass(frozen=True)
class Story:
    """A word in sentences, for each of them which meaning it has there, and what to say before and after."""

    title: str
    opening: str
    word: str
    uses: Sequence[tuple[str, int]]
    closing: str


def told(story: Story, core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The guide's page."""
    sentences, groups = [text for text, _ in story.uses], [meaning for _, meaning in story.uses]
    seen = senses(core, reader, story.word, sentences)
    view = sense_view(seen, name=reader.title, tongue=tongue, writes=reader.spec.writes, groups=groups)
    assert view.body is not None
    return replace(
        view,
        title=story.title,
        styles=(*view.styles, *STYLES),
        body=page(
            lead(story.opening),
            view.body,
            heading(translate("What this model shows", tongue)),
            found(verdict(seen, groups, reader.title, tongue)),
            prose(story.closing),
        ),
    )


def verdict(seen: Senses, groups: Sequence[int], name: str, tongue: str) -> str:
    """What the numbers say, and no more."""
    gap = gap_of(seen, groups)
    depth = int((gap.same - gap.apart).argmax())
    same, apart = float(gap.same[depth]), float(gap.apart[depth])
    of = [groups[each.sentence] for each in seen.occurrences]
    near = nearest(seen.cosines)[depth].tolist()
    right = sum(of[each] == meaning for each, meaning in zip(near, of, strict=True))
    if same - apart >= CLEAR and right == len(of):
        text = translate(
            "{name} tells the meanings apart. They lie furthest from one another after layer {depth}: two uses of one "
            "meaning are {same:.2f} alike there, two of different meanings {apart:.2f}, and each of the {count} has "
            "one of its own meaning nearest.",
            tongue,
        )
    elif same - apart >= SLIGHT:
        text = translate(
            "{name} tells the meanings apart a little. They lie furthest from one another after layer {depth}: two "
            "uses of one meaning are {same:.2f} alike there, two of different meanings {apart:.2f}, and {right} of "
            "the {count} have one of their own meaning nearest.",
            tongue,
        )
    else:
        text = translate(
            "{name} hardly tells the meanings apart, at any layer: at most, after layer {depth}, two uses of one "
            "meaning are {same:.2f} alike and two of different meanings {apart:.2f}; {right} of the {count} have one "
            "of their own meaning nearest there. A larger model, or one that has read more of this language, may do "
            "better.",
            tongue,
        )
    return text.format(name=name, depth=depth, same=same, apart=apart, right=right, count=len(of))
