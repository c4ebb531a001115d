"""Texts to ids chunk by chunk, each chunk that comes again looked up: quicker than the library on more cores.

Many tokenizers never let a token reach over a blank before a word. There a text's ids are those of its chunks, a word
with the blanks before it, say, and most chunks were there before.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from unmask.text.pieces import BLANK
from unmask.text.preparation import State, state_of, steps
from unmask.text.tokenizer import Tokenizer

MOST, LONGEST = 1 << 19, 32
"""Chunks that are remembered, some 200 bytes each; and characters of one: longer ones hardly come again."""
MARKS, BLANKS = ',.;:!?")-', r"\s"
LETTER_MARK = rf"[A-Za-z][{re.escape(MARKS)}]"
# Blanks to Python, to the library partly letters that are left out: texts with these are given to it whole.
CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"

Encode = Callable[[tokenizers.Tokenizer, Sequence[str]], Sequence[Any]]
"""The library's encoding of texts side by side."""


@dataclass(frozen=True)
class Cutting:
    """How texts are cut into chunks.

    Args:
        backend: what spells a chunk.
        chunk: matches one.
        whole: matches what is in a text that must not be cut.
        escaped: blanks are written as in pieces before a text is cut, and one is put before it.
    """

    backend: tokenizers.Tokenizer
    chunk: re.Pattern[str]
    whole: re.Pattern[str]
    escaped: bool = False

    def cut(self, text: str) -> list[str] | None:
        """A text's chunks; None if it cannot be cut."""
        if not text or self.whole.search(text):
            return None
        return self.chunk.findall(BLANK + text.replace(" ", BLANK) if self.escaped else text)


class Chunks:
    """Remembers the ids of chunks, as the bytes of an array of `dtype`."""

    def __init__(self, cutting: Cutting, backend: tokenizers.Tokenizer, encode: Encode, dtype: str) -> None:
        self.cutting, self.backend, self.encode, self.dtype = cutting, backend, encode, np.dtype(dtype)
        self.known: dict[str, bytes] = {}

    def ids(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """The ids of each text: [n] each."""
        cut = [self.cutting.cut(text) for text in texts]
        if len(self.known) > MOST:
            self.known.clear()
        fresh = list(set().union(*filter(None, cut)).difference(self.known))
        self.known.update(zip(fresh, self.spelled(self.cutting.backend, fresh), strict=True))
        whole = [text for text, chunks in zip(texts, cut, strict=True) if chunks is None]
        others, look_up = iter(self.spelled(self.backend, whole)), self.known.__getitem__
        rows = [next(others) if chunks is None else b"".join(map(look_up, chunks)) for chunks in cut]
        for chunk in fresh:
            if len(chunk) > LONGEST:
                del self.known[chunk]
        return [np.frombuffer(row, self.dtype) for row in rows]

    def spelled(self, backend: tokenizers.Tokenizer, texts: Sequence[str]) -> list[bytes]:
        # For a few ids each, quicker than numpy.
        return [array(self.dtype.char, each.ids).tobytes() for each in self.encode(backend, texts)]


def cutting(tokenizer: Tokenizer) -> Cutting | None:
    """How this tokenizer's texts may be cut; None where it is not known that they may."""
    state = state_of(tokenizer.backend)
    added = [each["content"] for each in state["added_tokens"]]
    if by_words(state):
        # Added tokens are found within a chunk, unless they are cut themselves or look at what is around them.
        apart = not any(set(each) & {" ", "\n", *MARKS} for each in added)
        alone = not any(each["lstrip"] or each["rstrip"] or each["single_word"] for each in state["added_tokens"])
        chunk = rf"{up_to_mark(BLANKS)}|\s*+\S+|\s+"
        return Cutting(tokenizer.backend, re.compile(chunk), re.compile(CONTROLS)) if apart and alone else None
    if by_blanks(state):
        across = any(re.search(LETTER_MARK, piece) for piece in pieces(state))
        chunk = rf"{BLANK}*[^{BLANK}]+|{BLANK}+" if across else rf"{up_to_mark(BLANK)}|{BLANK}*[^{BLANK}]+|{BLANK}+"
        # A text that reads like the piece for a byte is for the whole backend, which knows better.
        whole = re.compile("|".join(map(re.escape, [*added, "<0x"])))
        return Cutting(tokenizers.Tokenizer(tokenizer.backend.model), re.compile(chunk), whole, escaped=True)
    return None


def up_to_mark(blanks: str) -> str:
    """What matches blanks, and then a word of which a mark follows the last letter."""
    marks = re.escape(MARKS)
    return rf"[{blanks}]*+[{marks}]*+[^{blanks}{marks}]*+(?<=[A-Za-z])(?=[{marks}])"


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
    if model["type"] not in ("BPE", "Unigram") or model.get("dropout") or not model["byte_fallback"]:
        return False
    todo = [step for step in steps(state) if step["type"] != "Split"]
    return todo == [PREFIX, ESCAPE] and not any(BLANK in piece.lstrip(BLANK) for piece in pieces(state))


def pieces(state: State) -> list[str]:
    model = state["model"]
    return list(model["vocab"]) if model["type"] == "BPE" else [piece for piece, _ in model["vocab"]]


PREFIX = {"type": "Replace", "pattern": {"Regex": r"\A"}, "content": BLANK}
ESCAPE = {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}


def plain(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without what has no say in where words end."""
    return {name: value for name, value in step.items() if name not in NO_MATTER}


NO_MATTER = ("trim_offsets", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
