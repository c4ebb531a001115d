"""Prompts of a wanted number of tokens for a server whose tokenizer is not known: words, and what they cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from unmask.base.errors import RequestError

COMMON = (
    "after air all animal back begin big book both boy carry change city close color come country cut day earth "
    "eat end every eye face far farm father feet find fire follow food form four friend girl give good great "
    "group grow hand hard head hear help high hold home horse house idea keep kind land large last late learn "
    "leave life light line live long look mother mountain move music name near never new night north number "
    "open paper part people plant point red river room run school sea second see sentence side small song sound "
    "stand start state stop story study sun table talk thing time town travel tree turn two walk water white "
    "wind word work world write year young"
)
WORDS = tuple(COMMON.split(" "))
SHORT, LONG = 32, 96
"""Words of the two prompts that tell what a word costs."""


@dataclass(frozen=True)
class Source:
    """Where prompts are cut from: passages of a text, or words by chance if there is none."""

    text: Sequence[str] = ()

    def cut(self, random: Random, count: int) -> str:
        """So many words, from a place by chance; a text shorter than that begins again."""
        if not self.text:
            return " ".join(random.choices(WORDS, k=count))
        start = random.randrange(len(self.text))
        return " ".join(self.text[(start + number) % len(self.text)] for number in range(count))


async def prompts(
    source: Source, *, tokens: int, count: int, seed: int, measure: Callable[[str], Awaitable[int]]
) -> list[str]:
    """Different prompts of about so many tokens each, with the server's own frame around them.

    Args:
        measure: tells how many tokens the server finds in a prompt.
    Raises:
        RequestError: if the frame alone is as long.
    """
    random = Random(seed)
    short, long = [await measure(source.cut(random, words)) for words in (SHORT, LONG)]
    each = max(long - short, 1) / (LONG - SHORT)
    frame = short - SHORT * each
    if tokens <= frame:
        raise RequestError(
            "A prompt cannot be {tokens} tokens long: this server's frame around a message has {frame} already.",
            tokens=tokens,
            frame=round(frame),
        )
    words = max(round((tokens - frame) / each), 1)
    return [source.cut(random, words) for _ in range(count)]
