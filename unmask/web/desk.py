"""What all visitors of one server share: the line for the model, what is kept on disk, and who is being answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from unmask.base.errors import RequestError
from unmask.server.host import Host
from unmask.web import preferences, store
from unmask.web.preferences import Preferences
from unmask.web.store import Store


@dataclass(frozen=True)
class Writing:
    """An answer that is being written."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Desk:
    """
    Args:
        answers: conversation -> the answer that is being written in it.
    """

    host: Host
    store: Store
    preferences: Preferences
    answers: dict[str, Writing] = field(default_factory=dict)

    def check_free(self, conversation: str) -> None:
        """
        Raises:
            RequestError: if an answer is being written in it.
        """
        if conversation in self.answers:
            raise RequestError("An answer is being written in this conversation. Wait for it, or stop it first.")

    @contextmanager
    def writing(self, conversation: str) -> Iterator[asyncio.Event]:
        """While an answer is being written in it. What is given is set when somebody stops that."""
        writing = self.answers[conversation] = Writing()
        try:
            yield writing.stop
        finally:
            del self.answers[conversation]
            writing.ended.set()

    def stop(self, conversation: str) -> None:
        """End the answer that is being written in it, if one is."""
        if conversation in self.answers:
            self.answers[conversation].stop.set()

    async def end(self, conversation: str) -> None:
        """As `stop`, and come back when its last word has gone to the page."""
        if writing := self.answers.get(conversation):
            writing.stop.set()
            await writing.ended.wait()


def at_home(host: Host) -> Desk:
    """With the user's own conversations."""
    return Desk(host, store.at_home(), preferences.at_home())
