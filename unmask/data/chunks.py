"""Texts to ids chunk by chunk, each chunk that comes again looked up: several times as quick as the library.

Many tokenizers never let a token reach over a blank before a word. There a text's ids are those of its chunks, a word
with the blanks before it each, and most chunks were there before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from unmask.text.pieces import BLANK
from unmask.text.preparation import State, state_of, steps
from unmask.text.tokenizer import Tokenizer

MOST, LONGEST = 1 << 19, 32
"""Chunks that are remembered, some 200 bytes each; and characters of one: longer ones hardly come again."""
WORD = re.compile(r"\s*\S+|\s+")
BLANKED = re.compile(r" *[^ ]+")
# Blanks to Python, to the library partly letters that are left out: texts with these are given to it whole.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Cut = Callable[[str], list[str] | None]
"""A text's chunks; None if it cannot be cut."""
Encode = Callable[[Sequence[str]], Sequence[Any]]
"""The library's encoding of texts side by side."""


class Chunks:
    """Remembers the ids of chunks."""

    def __init__(self, cut: Cut, encode: Encode) -> None:
        self.cut, self.encode = cut, encode
        self.known: dict[str, Sequence[int]] = {}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        cut = [self.cut(text) for text in texts]
        whole = [text for text, chunks in zip(texts, cut, strict=True) if chunks is None]
        if len(self.known) > MOST:
            self.known.clear()
        fresh = list(set(chain.from_iterable(filter(None, cut))).difference(self.known))
        spelled = self.encode([*fresh, *whole])
        self.known.update(zip(fresh, (each.ids for each in spelled[: len(fresh)]), strict=True))
        others = iter(spelled[len(fresh) :])
        look_up = self.known.__getitem__
        rows = [
            list(next(others).ids) if chunks is None else list(chain.from_iterable(map(look_up, chunks)))
            for chunks in cut
        ]
        for chunk in fresh:
            if len(chunk) > LONGEST:
                del self.known[chunk]
        return rows


def cutting(tokenizer: Tokenizer) -> Cut | None:
    """How this tokenizer's texts may be cut; None where it is not known that they may."""
    state = state_of(tokenizer.backend)
    if any(each["lstrip"] or each["rstrip"] or each["single_word"] for each in state["added_tokens"]):
        return None
    if any(set(each["content"]) & {" ", BLANK, "\n"} for each in state["added_tokens"]):
        return None
    if by_blanks(state):
        return blanked
    return words if by_words(state) else None


def words(text: str) -> list[str] | None:
    """Each run of what is visible, and what blanks are before it."""
    return None if CONTROLS.search(text) else WORD.findall(text)


def blanked(text: str) -> list[str] | None:
    """Each run of what is no blank, with all blanks before it but one: that one the tokenizer puts there itself."""
    if BLANK in text or text.endswith(" "):
        return None
    first, *others = BLANKED.findall(text) or [""]
    return [first, *(chunk[1:] for chunk in others)]


def by_words(state: State) -> bool:
    """Whether blanks part words before anything else is done: as GPT-2 does, BERT, and who knows single characters."""
    model, todo = state["model"], [plain(step) for step in steps(state)]
    if model["type"] == "WordPiece":
        return todo == [{"type": "BertNormalizer"}, {"type": "BertPreTokenizer"}]
    if model["type"] != "BPE" or model["dropout"]:
        return False
    gpt2 = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return todo in ([gpt2], [digits, gpt2]) or (todo == [] and not model["merges"])


def by_blanks(state: State) -> bool:
    """Whether this is a vocabulary of SentencePiece's kind, with a blank put before a text, and none within a piece."""
    model = state["model"]
    if model["type"] not in ("BPE", "Unigram") or model.get("dropout"):
        return False
    pieces = model["vocab"] if model["type"] == "BPE" else [piece for piece, _ in model["vocab"]]
    todo = [step for step in steps(state) if step["type"] != "Split"]
    return todo == [PREFIX, ESCAPE] and not any(BLANK in piece.lstrip(BLANK) for piece in pieces)


PREFIX = {"type": "Replace", "pattern": {"Regex": r"\A"}, "content": BLANK}
ESCAPE = {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}


def plain(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without what has no say in where words end."""
    return {name: value for name, value in step.items() if name not in NO_MATTER}


NO_MATTER = ("trim_offsets", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
