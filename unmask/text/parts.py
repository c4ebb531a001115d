"""A text in parts that a model can read: whole sentences together where they fit, else pieces of one."""

from __future__ import annotations

from itertools import pairwise

from unmask.text.tokenizer import Tokenizer
from unmask.text.words import sentence_starts


def parts(text: str, tokenizer: Tokenizer, limit: int) -> list[str]:
    """Parts of at most `limit` tokens, which put together are the text; as few as sentences let there be.

    A sentence that is longer is halved, at the blank next to its middle if it has one, until its pieces fit; a single
    character that takes more tokens is a part of its own.
    """
    if size(text, tokenizer) <= limit:
        return [text]
    starts = [0, *sentence_starts(text)[1:], len(text)]
    sentences = [text[begin:end] for begin, end in pairwise(starts)]
    if len(sentences) < 2:
        return pieces(text, tokenizer, limit)
    found: list[str] = []
    room = 0
    for sentence in sentences:
        tokens = size(sentence, tokenizer)
        if tokens <= room:
            found[-1] += sentence
            room -= tokens
            continue
        found += pieces(sentence, tokenizer, limit)
        room = limit - size(found[-1], tokenizer)
    return found


def pieces(text: str, tokenizer: Tokenizer, limit: int) -> list[str]:
    if len(text) < 2 or size(text, tokenizer) <= limit:
        return [text]
    middle = len(text) // 2
    before, after = text.rfind(" ", 1, middle + 1), text.find(" ", middle)
    blanks = [at for at in (before, after) if at > 0]
    at = min(blanks, key=lambda blank: abs(blank - middle)) if blanks else middle
    return pieces(text[:at], tokenizer, limit) + pieces(text[at:], tokenizer, limit)


def size(text: str, tokenizer: Tokenizer) -> int:
    return len(tokenizer.encode(text, special=False).ids)
