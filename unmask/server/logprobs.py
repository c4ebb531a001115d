"""Log-probabilities in OpenAI's two notations: that of chats, and the older one of completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unmask.server.answers import LikelyToken, TextChances, TokenChance
from unmask.text.spelling import Spelling
from unmask.text.stream import TextStream

if TYPE_CHECKING:
    from unmask.generation.chances import Chance
    from unmask.text.tokenizer import Tokenizer


def token_chance(chance: Chance, spelling: Spelling) -> TokenChance:
    """One token of a chat's answer."""
    return {
        **likely(chance.id, chance.logprob, spelling),
        "top_logprobs": [likely(token, logprob, spelling) for token, logprob in chance.best],
    }


def likely(token: int, logprob: float, spelling: Spelling) -> LikelyToken:
    return {"token": spelling.text(token), "logprob": logprob, "bytes": list(spelling.bytes(token))}


class TextLog:
    """The tokens of one completion, a part at a time; where each begins is told in characters of its text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.spelling = Spelling(tokenizer)
        self.stream = TextStream(tokenizer)
        self.characters = 0

    def part(self, chances: Sequence[Chance], *, first: int | None = None) -> TextChances:
        """
        Args:
            first: a token before these, for which nothing could be foreseen.
        """
        tokens = [*([] if first is None else [first]), *(chance.id for chance in chances)]
        unknown: list[None] = [None] * (first is not None)
        return {
            "tokens": [self.name(token) for token in tokens],
            "token_logprobs": [*unknown, *(chance.logprob for chance in chances)],
            "top_logprobs": [*unknown, *map(self.best, chances)],
            "text_offset": [self.offset(token) for token in tokens],
        }

    def best(self, chance: Chance) -> dict[str, float]:
        """The likeliest tokens; the one that was taken is always among them."""
        found = {self.name(chance.id): chance.logprob}
        for token, logprob in chance.best:
            found.setdefault(self.name(token), logprob)
        return found

    def name(self, token: int) -> str:
        """The token's text, or its bytes where they are no whole character."""
        text = self.spelling.text(token)
        return text if text.encode() == self.spelling.bytes(token) else f"bytes:{text}"

    def offset(self, token: int) -> int:
        """Where the token begins; what was held back before it comes with it, and is not its own."""
        begin, shown, own = self.characters, self.stream.push(token), self.spelling.text(token)
        self.characters += len(shown)
        return self.characters - len(own) if shown.endswith(own) else begin
