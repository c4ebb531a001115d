"""What happens between a visitor's message and the last word of the answer; no layout here."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import gradio

from unmask.base.errors import UnmaskError
from unmask.base.language import translate
from unmask.generation.answer import Piece
from unmask.server.host import Host, Waiting
from unmask.server.refusals import unexpected
from unmask.web.conversation import Conversation, Message
from unmask.web.desk import Desk

REFRESH = 0.05
"""Seconds between two updates of the page; each costs more than a token of a small model."""
SAVE = 5.0
"""Seconds between two savings of an answer that is being written."""

T = TypeVar("T")


async def answer(
    desk: Desk, conversation: Conversation, draft: Message, stop: asyncio.Event, tongue: str
) -> AsyncGenerator[Message, None]:
    """The answer `draft` growing from what it holds. What was shown of it is on disk, however this ends.

    Raises:
        UnmaskError: as `Host.pieces` does.
    """
    saved = time.monotonic()
    shown = draft
    try:
        async with aclosing(written(desk.host, conversation, draft, stop, tongue)) as drafts:
            async for shown in drafts:
                if time.monotonic() - saved > SAVE:
                    keep(desk, conversation.id, shown)
                    saved = time.monotonic()
                yield shown
    finally:
        if shown is not draft:
            keep(desk, conversation.id, shown)


def keep(desk: Desk, conversation: str, draft: Message) -> None:
    """Write the answer into its file, unless somebody has deleted that."""
    with desk.store.lock:
        if desk.store.path(conversation).exists():
            desk.store.change(conversation, lambda now: now.plus(rated_as_before(now, draft)))


def rated_as_before(conversation: Conversation, draft: Message) -> Message:
    """An answer can be judged while it is being written."""
    for each in conversation.messages:
        if each.id == draft.id and each.answer and draft.answer:
            return replace(draft, answer=replace(draft.answer, rating=each.answer.rating))
    return draft


async def written(
    host: Host, conversation: Conversation, draft: Message, stop: asyncio.Event, tongue: str
) -> AsyncGenerator[Message, None]:
    """The answer as far as it is written, again and again until it ends or is stopped."""
    assert draft.answer is not None
    resume, knobs = bool(draft.content), conversation.settings
    pieces = host.pieces(
        conversation.read(draft.id if resume else draft.parent),
        sampling=knobs.sampling(),
        limit=knobs.limit,
        resume=resume,
    )
    text, tokens, began, refreshed = draft.content, list(draft.answer.tokens), 0.0, 0.0
    async with aclosing(pieces), aclosing(until(stop, pieces)) as steps:
        async for piece in steps:
            if isinstance(piece, Waiting):
                gradio.Info(translate("The model is busy; your turn comes by itself.", tongue))
                continue
            text += piece.text
            tokens += [] if piece.id is None else [piece.id]
            began = began or time.monotonic()
            if piece.finish or time.monotonic() - refreshed > REFRESH:
                refreshed = time.monotonic()
                yield replace(
                    draft,
                    content=text,
                    answer=replace(
                        draft.answer,
                        tokens=tuple(tokens),
                        prompt_tokens=draft.answer.prompt_tokens if resume else piece.prompt_tokens,
                        speed=pace(piece, refreshed - began),
                        finish=piece.finish or "stopped",
                    ),
                )


def pace(piece: Piece, seconds: float) -> float:
    """Tokens/s after the first one."""
    return round((piece.tokens - 1) / seconds, 1) if piece.tokens > 1 else 0.0


async def until(stop: asyncio.Event, steps: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The steps, to their end or until `stop` is set; a step under way is then given up."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            step = asyncio.ensure_future(anext(steps, None))
            try:
                await asyncio.wait((step, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not step.done():
                    step.cancel()
                    await asyncio.wait((step,))
            if step.cancelled() or (found := step.result()) is None:
                return
            yield found
    finally:
        stopping.cancel()


def take_back(desk: Desk, before: Conversation, after: Conversation) -> None:
    """Forget what was said between the two and got no answer; a conversation in which nothing is left goes with it."""
    said = {message.id for message in after.messages} - {message.id for message in before.messages}
    with desk.store.lock:
        if desk.store.path(after.id).exists():
            left = desk.store.change(after.id, lambda now: now.without(said, leaf=before.leaf))
            if not left.messages:
                desk.store.delete(after.id)


def tell_of_failure(error: Exception, tongue: str) -> None:
    """Why there is no answer, in the visitor's language; a fault of ours is a number in the log."""
    if isinstance(error, UnmaskError):
        text = translate(error.template, tongue).format(**error.values)
    else:
        text = unexpected(error).message
    # Escaped: the page shows it as HTML, and it may quote what was typed.
    gradio.Warning(html.escape(text), duration=20)
