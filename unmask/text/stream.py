"""Ids to text as they come: no half character is shown, and nothing that may turn out to be a stop string."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unmask.base.errors import RequestError
from unmask.text.tokenizer import Encoding, Tokenizer

HALF = "\ufffd"  # what a decoder puts in place of bytes that are not a character, or not yet
BYTE_TOKEN = re.compile("<0x[0-9A-F]{2}>")

# An unfinished character is at most 3 bytes, so its first byte is in one of the last 3 tokens; a fourth keeps the
# window from starting at it, where decoders treat a space differently.
KEPT = 4
LONGEST = 16


class TextStream:
    """The text of ids that come one at a time; all pushes and the flush together are exactly `decode` of all ids.

    Only a short window of ids is decoded at each push, whatever the length of the answer. Its first tokens are
    there for their neighbours' sake: what they decode to has been shown already.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.window: list[int] = []
        self.shown = 0  # characters of the window's text that were given out

    def push(self, token_id: int) -> str:
        """The text that this id makes safe to show; often one token, sometimes none or several.

        Raises:
            TokenizerError: if the id is not in the vocabulary.
        """
        token = self.tokenizer.token(token_id)
        if token_id in self.tokenizer.controls:
            return ""
        self.window.append(token_id)
        # One wrong byte makes the decoder reject the whole run of byte tokens it is in: wait for the run's end.
        if BYTE_TOKEN.fullmatch(token):
            return ""
        text = self.settled()
        ready, self.shown = text[self.shown :], len(text)
        if len(self.window) > LONGEST:
            del self.window[:-KEPT]
            self.shown = len(self.settled())
        return ready

    def flush(self) -> str:
        """What was held back: half characters and all. The stream is then as new."""
        ready = self.tokenizer.decode(self.window)[self.shown :]
        self.window, self.shown = [], 0
        return ready

    def settled(self) -> str:
        """The window's text without a last character that the next id may complete."""
        text = self.tokenizer.decode(self.window)
        return text.removesuffix(HALF)


def spelled_out(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, Encoding]:
    """The text of some ids, control tokens spelled out in it, and which of its characters each id stands for.

    Ids that make up a character together share its span.

    Raises:
        TokenizerError: if an id is not in the vocabulary.
    """
    stream, text, spans, held = TextStream(tokenizer), "", [], 0

    def settle(shown: str) -> None:
        nonlocal text, held
        spans.extend([(len(text), len(text) + len(shown))] * held)
        text, held = text + shown, 0

    for token_id in ids:
        if token_id in tokenizer.controls:
            settle(stream.flush())
            held = 1
            settle(tokenizer.token(token_id))
            continue
        held += 1
        shown = stream.push(token_id)
        if shown:
            settle(shown)
    settle(stream.flush())
    return text, Encoding(tuple(ids), tuple(spans), (0,) * len(ids))


class StopStrings:
    """Ends a text before the first of some strings to be completed; of two completed at once, before the longer."""

    def __init__(self, stops: Sequence[str]) -> None:
        """
        Raises:
            RequestError: if `stops` is one string instead of several, or one of them is empty.
        """
        if isinstance(stops, str):
            raise RequestError(
                "stop must be a list of strings, not the string {stop!r:.60}. Write [{stop!r:.60}].", stop=stops
            )
        if "" in stops:
            raise RequestError(
                "Stop string {index} is empty; every text would stop at once. Leave it out.",
                index=list(stops).index(""),
            )
        self.stops = tuple(stops)
        self.held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """The text that is safe to show, and whether a stop string ended it; push nothing after that."""
        text = self.held + text
        found = [(at + len(stop), at) for stop in self.stops if (at := text.find(stop)) >= 0]
        if found:
            self.held = ""
            return text[: min(found)[1]], True
        keep = len(text) - max((beginning(stop, text) for stop in self.stops), default=0)
        self.held = text[keep:]
        return text[:keep], False

    def flush(self) -> str:
        """What was held back, now that no more text comes."""
        ready, self.held = self.held, ""
        return ready


def beginning(stop: str, text: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    longest = min(len(stop) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)
