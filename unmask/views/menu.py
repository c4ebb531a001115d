"""Which views there are, and how each is made of a model and what somebody wants to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.base.registry import nearest
from unmask.core.trace import Watch, fitting
from unmask.core.transformer import Transformer
from unmask.generation.foresight import foresee
from unmask.generation.look import look, look_at, named
from unmask.generation.reader import Reader
from unmask.text.tokenizer import Encoding
from unmask.views.attention import attention_view
from unmask.views.guides import GUIDES
from unmask.views.lens import lens_view
from unmask.views.occurrences import senses
from unmask.views.positions import positions_view
from unmask.views.sense import sense_view
from unmask.views.tokens import tokens_view
from unmask.views.view import View

STREAM = Watch(weights=False, hidden=True)
MOST = 1 << 29
"""Bytes of attention weights that a view may hold while it is made; 700 tokens of a small model's 270 heads."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see.

    Args:
        kind: one of `KINDS`.
        texts: one; for "sense" the sentences; for "guide" its name.
        word: for "sense".
        layer, head: for "attention", shown first.
    """

    kind: str
    texts: Sequence[str]
    word: str | None = None
    layer: int | None = None
    head: int | None = None


def make(wish: Wish, core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The view of a model that somebody wished for, its words in "en" or "zh".

    Raises:
        RequestError: if there is no such view, or this model or text has nothing to show in it.
        ContextError: if a text does not fit.
    """
    if wish.kind not in KINDS:
        raise RequestError(
            "There is no view {kind!r:.60}; there are {known}. Did you mean {nearest}?",
            kind=wish.kind,
            known=", ".join(KINDS),
            nearest=nearest(wish.kind, KINDS, count=1)[0],
        )
    return KINDS[wish.kind](wish, core, reader, tongue)


def attention(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    text = wish.texts[0]
    return attended(core, reader, text, reader.whole(text), tongue=tongue, layer=wish.layer, head=wish.head)


def attended(
    core: Transformer,
    reader: Reader,
    text: str,
    encoding: Encoding,
    *,
    tongue: str,
    layer: int | None = None,
    head: int | None = None,
) -> View:
    """The attention over a text however long: where not all layers' weights fit, those that do, and a note on it."""
    watch = fitting(reader.spec, length=len(encoding.ids), most=MOST)
    depth, layers = len(reader.spec.blocks), watch.layers or ()
    if layer is not None and 0 <= layer < depth and layer not in layers:
        watch = Watch(layers=(layer,))
    seen = look_at(core, text, encoding, reader.tokenizer, watch=watch)
    view = attention_view(seen, name=reader.title, tongue=tongue, layer=layer, head=head)
    if len(seen.trace.layers) == depth:
        return view
    note = translate("The text is long: {count} of {depth} layers were watched.", tongue)
    return replace(view, notes=(*view.notes, note.format(count=len(seen.trace.layers), depth=depth)))


def tokens(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    text = wish.texts[0]
    encoding = reader.whole(text)
    called = named(text, encoding, reader.tokenizer)
    found, masked = foresee(core, reader.tokenizer, encoding.ids), not reader.spec.writes
    return tokens_view(text, encoding.spans, called, found, masked=masked, name=reader.title, tongue=tongue)


def lens(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    return lens_view(core, reader, look(core, reader, wish.texts[0], watch=STREAM), name=reader.title, tongue=tongue)


def sense(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    found = senses(core, reader, wish.word or "", wish.texts)
    return sense_view(found, name=reader.title, tongue=tongue, writes=reader.spec.writes)


def positions(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    text = wish.texts[0]
    return positions_view(core, reader, text, reader.whole(text), name=reader.title, tongue=tongue)


def guide(wish: Wish, core: Transformer, reader: Reader, tongue: str) -> View:
    name = wish.texts[0]
    if name not in GUIDES:
        raise RequestError(
            "There is no guide {name!r:.60}; there are {known}. Did you mean {nearest}?",
            name=name,
            known=", ".join(GUIDES),
            nearest=nearest(name, GUIDES, count=1)[0],
        )
    return GUIDES[name].make(core, reader, tongue=tongue)


KINDS: Mapping[str, Callable[[Wish, Transformer, Reader, str], View]] = {
    "attention": attention,
    "tokens": tokens,
    "lens": lens,
    "sense": sense,
    "positions": positions,
    "guide": guide,
}
