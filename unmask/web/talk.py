"""What happens between a visitor's message and the last word of the answer; no layout here."""

from __future__ import annotations

import html
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import gradio

from unmask.base.errors import UnmaskError
from unmask.base.language import translate
from unmask.server.refusals import unexpected
from unmask.server.turns import Turns, Waiting
from unmask.web.history import Shown, plain

REFRESH = 0.05
"""Seconds between two updates of the page; each costs more than a token of a small model."""


@dataclass(frozen=True)
class Wishes:
    """The settings beside the chat."""

    system: str
    temperature: float
    top_p: float
    limit: int
    tongue: str


async def answer(turns: Turns, history: Shown, wishes: Wishes) -> AsyncGenerator[Shown, None]:
    """The conversation with its answer growing; `history` ends with the visitor's message.

    Raises:
        UnmaskError: as `Turns.pieces` does.
    """
    sampling = replace(turns.model.sampling, temperature=wishes.temperature, top_p=wishes.top_p)
    conversation = plain(history, wishes.system)
    text, refreshed = "", 0.0
    async with aclosing(turns.pieces(conversation, sampling=sampling, limit=wishes.limit)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Waiting):
                gradio.Info(translate("The model is busy; your turn comes by itself.", wishes.tongue))
                continue
            text += piece.text
            if piece.finish or time.monotonic() - refreshed > REFRESH:
                refreshed = time.monotonic()
                yield [*history, {"role": "assistant", "content": text}]
            if piece.finish == "length":
                tell_of_cut(piece.tokens, wishes.tongue)


def tell_of_cut(tokens: int, tongue: str) -> None:
    """A cut is never silent."""
    text = translate("The answer was cut at {tokens} tokens; the limit is in the settings.", tongue)
    gradio.Warning(text.format(tokens=tokens))


def tell_of_failure(error: Exception, tongue: str) -> None:
    """Why there is no answer, in the visitor's language; a fault of ours is a number in the log."""
    if isinstance(error, UnmaskError):
        text = translate(error.template, tongue).format(**error.values)
    else:
        text = unexpected(error).message
    # Escaped: the page shows it as HTML, and it may quote what was typed.
    gradio.Warning(html.escape(text), duration=20)
