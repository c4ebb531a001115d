"""A text, the tokens that a model reads it as, and what went on inside while it did."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unmask.base.errors import RequestError
from unmask.core.trace import Trace, Watch, trace
from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.text.tokenizer import Encoding, Tokenizer


@dataclass(frozen=True)
class Look:
    """A watched reading of one row.

    Args:
        ids: T of them.
        spans: which characters of `text` each stands for; the ids that share a character share its span, and one that
            was added around the text has an empty one.
        tokens: what to call each: its characters, or its spelling in the vocabulary where it has none in the text.
    """

    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    tokens: tuple[str, ...]
    trace: Trace


def look(core: Transformer, reader: Reader, text: str, *, watch: Watch) -> Look:
    """Read a text and keep what `watch` asks for.

    Raises:
        ContextError: if it does not fit.
        RequestError: as `trace` does, or if there is nothing to read.
    """
    return look_at(core, text, reader.whole(text), reader.tokenizer, watch=watch)


def look_at(core: Transformer, text: str, encoding: Encoding, tokenizer: Tokenizer, *, watch: Watch) -> Look:
    """As `look`, of ids that are there already: those of `spelled_out`, say, with what a model wrote among them."""
    if not encoding.ids:
        raise RequestError("The text is empty: there is nothing to look at. Give it at least one character.")
    row = torch.tensor([encoding.ids], device=core.device)
    return Look(text, encoding.ids, encoding.spans, named(text, encoding, tokenizer), trace(core, row, watch))


def named(text: str, encoding: Encoding, tokenizer: Tokenizer) -> tuple[str, ...]:
    """What to call each token; see Look."""
    return tuple(
        text[start:end] or tokenizer.token(token_id)
        for token_id, (start, end) in zip(encoding.ids, encoding.spans, strict=True)
    )
