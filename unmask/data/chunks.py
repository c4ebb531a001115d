"""Texts to ids chunk by chunk, each chunk that comes again looked up: quicker than the library on more cores.

Many tokenizers never let a token reach over a blank before a word. There a text's ids are those of its chunks, a word
with the blanks before it, say, and most chunks were there before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ctypes import CDLL
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from unmask.data.spelling import bare, in_groups
from unmask.native.chunks import Table
from unmask.native.library import threadless
from unmask.text.pieces import BLANK
from unmask.text.preparation import State, state_of, steps
from unmask.text.tokenizer import Tokenizer

MOST, LONGEST = 1 << 19, 32
"""Chunks that are remembered, 100 to 200 bytes each; and characters of one: longer ones hardly come again."""
MARKS = ',.;:!?")-'
LETTER_MARK = rf"[A-Za-z][{re.escape(MARKS)}]"
# Blanks to Python, to the library partly letters that are left out: texts with these are given to it whole.
CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"


@dataclass(frozen=True)
class Cutting:
    """How texts are cut into chunks.

    Args:
        backend: what spells a chunk.
        whole: matches what is in a text that must not be cut.
        marks: a word is cut before a mark that follows a letter.
        escaped: blanks are written as in pieces before a text is cut, and one is put before it; only these part words.
    """

    backend: tokenizers.Tokenizer
    whole: re.Pattern[str]
    marks: bool
    escaped: bool

    def may_cut(self, text: str) -> bool:
        return bool(text) and not self.whole.search(text)

    def cut(self, text: str) -> list[str]:
        return self.chunk.findall(BLANK + text.replace(" ", BLANK) if self.escaped else text)

    @cached_property
    def chunk(self) -> re.Pattern[str]:
        """Matches blanks and a word, or the part of it before a mark."""
        blanks = BLANK if self.escaped else r"\s"
        whole_word = rf"[{blanks}]*+[^{blanks}]+|[{blanks}]+"
        return re.compile(f"{up_to_mark(blanks)}|{whole_word}" if self.marks else whole_word)


class Chunks:
    """Texts to ids of `dtype`; `backend` spells those that must not be cut."""

    def __init__(self, cutting: Cutting, backend: tokenizers.Tokenizer, dtype: str) -> None:
        self.cutting, self.backend, self.dtype = cutting, backend, np.dtype(dtype)
        found = threadless()
        self.known = Plain(cutting, self.dtype) if found is None else Compiled(cutting, self.dtype, found)

    def ids(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """The ids of each text: [n] each.

        Raises:
            TokenizerError: if one of them cannot be spelled.
        """
        may_cut = [self.cutting.may_cut(text) for text in texts]
        parts = iter(self.known.ids(list(compress(texts, may_cut))))
        whole = iter(bare(self.backend, [text for text, may in zip(texts, may_cut, strict=True) if not may]))
        return [next(parts) if may else np.array(next(whole), self.dtype) for may in may_cut]


class Plain:
    """Remembers the ids of chunks, as the bytes of an array; the slow twin of `Compiled`."""

    def __init__(self, cutting: Cutting, dtype: np.dtype[Any]) -> None:
        self.cutting, self.dtype = cutting, dtype
        self.known: dict[str, bytes] = {}

    def ids(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """The ids of each text that may be cut: [n] each.

        Raises:
            TokenizerError: if a chunk cannot be spelled.
        """
        cut = [self.cutting.cut(text) for text in texts]
        if len(self.known) > MOST:
            self.known.clear()
        fresh = list(set().union(*cut).difference(self.known))
        ids, lengths = in_groups(self.cutting.backend, fresh)
        spelled, bounds = ids.astype(self.dtype).tobytes(), lengths.cumsum() * self.dtype.itemsize
        rows = (spelled[begin:end] for begin, end in pairwise([0, *bounds.tolist()]))
        self.known.update(zip(fresh, rows, strict=True))
        found = [b"".join(map(self.known.__getitem__, chunks)) for chunks in cut]
        for chunk in fresh:
            if len(chunk) > LONGEST:
                del self.known[chunk]
        return [np.frombuffer(row, self.dtype) for row in found]


class Compiled:
    """Cuts and looks up by the native library, where nobody waits for the interpreter."""

    def __init__(self, cutting: Cutting, dtype: np.dtype[Any], functions: CDLL) -> None:
        self.cutting, self.dtype = cutting, dtype
        self.table = Table(functions, words=not cutting.escaped, marks=cutting.marks, most=MOST, longest=LONGEST)

    def ids(self, texts: Sequence[str]) -> list[NDArray[Any]]:
        """As `Plain` gives them.

        Raises:
            TokenizerError: if a chunk cannot be spelled.
            MemoryError: if there is no memory to remember what these texts have.
        """
        fresh = self.cut(texts)
        return self.table.rows(*in_groups(self.cutting.backend, fresh), self.dtype)

    def cut(self, texts: Sequence[str]) -> list[str]:
        """The chunks of texts that have no ids."""
        if not self.cutting.escaped:
            return self.table.scan(texts)
        # To the library a blank is both kinds of it: texts in ASCII remain so, which is quicker.
        fresh = self.table.scan([" " + text.replace(BLANK, " ") for text in texts])
        return [chunk.replace(" ", BLANK) for chunk in fresh]


def cutting(tokenizer: Tokenizer) -> Cutting | None:
    """How this tokenizer's texts may be cut; None where it is not known that they may."""
    state = state_of(tokenizer.backend)
    added = [each["content"] for each in state["added_tokens"]]
    if by_words(state):
        # Added tokens are found within a chunk, unless they are cut themselves or look at what is around them.
        apart = not any(set(each) & {" ", "\n", *MARKS} for each in added)
        alone = not any(each["lstrip"] or each["rstrip"] or each["single_word"] for each in state["added_tokens"])
        if not (apart and alone):
            return None
        return Cutting(tokenizer.backend, re.compile(CONTROLS), marks=True, escaped=False)
    if by_blanks(state):
        across = any(re.search(LETTER_MARK, piece) for piece in pieces(state))
        # A text that reads like the piece for a byte is for the whole backend, which knows better.
        whole = re.compile("|".join(map(re.escape, [*added, "<0x"])))
        return Cutting(tokenizers.Tokenizer(tokenizer.backend.model), whole, marks=not across, escaped=True)
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
