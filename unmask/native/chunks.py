"""Texts cut into chunks and these looked up, by the library; unmask/data/chunks.py tells why."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import CDLL, c_void_p
from itertools import pairwise
from secrets import randbits
from typing import Any

import numpy as np
from numpy.typing import NDArray

HALVES = "surrogatepass"
"""Half a character is for who spells it to refuse."""


class Table:
    """Chunks and their ids, for one thread at a time. A batch of texts is cut by `scan`; then `rows` takes the ids of
    what that did not know.

    Args:
        words: what the \\s of Python matches parts words, otherwise the blank alone.
        marks: a word is cut before a mark that follows a letter.
        most: chunks that are remembered; with more, a batch begins with none.
        longest: characters of a chunk that outlasts its batch.
    """

    def __init__(self, functions: CDLL, *, words: bool, marks: bool, most: int, longest: int) -> None:
        self.functions, self.texts, self.fresh = functions, 0, 0
        self.handle = c_void_p(functions.chunks_new(words, marks, most, longest, randbits(64)))
        enough(bool(self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self.functions.chunks_free(self.handle)

    def scan(self, texts: Sequence[str]) -> list[str]:
        """The different chunks of these texts that have no ids, in order.

        Raises:
            MemoryError: if there is no memory for them, as the other method does.
        """
        written = [text.encode("utf-8", HALVES) for text in texts]
        whole, ends = b"".join(written), np.array(list(map(len, written)), np.int64).cumsum()
        self.texts = len(texts)
        self.fresh = self.functions.chunks_scan(self.handle, whole, ends.ctypes.data, self.texts)
        enough(self.fresh >= 0)
        begins, ends = np.empty((2, self.fresh), np.int64)
        self.functions.chunks_fresh(self.handle, begins.ctypes.data, ends.ctypes.data)
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        return [whole[begin:end].decode("utf-8", HALVES) for begin, end in spans]

    def rows(self, ids: NDArray[np.uint32], lengths: NDArray[np.int64], dtype: np.dtype[Any]) -> list[NDArray[Any]]:
        """The ids of each text that was cut: [n] each.

        Args:
            ids, lengths: [m], [chunks]: those of the chunks that had none, one after the other; how many each has.
        """
        assert len(lengths) == self.fresh
        assert lengths.sum() == len(ids)
        ends = lengths.cumsum()
        enough(self.functions.chunks_spell(self.handle, ids.ctypes.data, ends.ctypes.data) == 0)
        counts = np.empty(self.texts, np.int64)
        self.functions.chunks_lengths(self.handle, counts.ctypes.data)
        bounds = [0, *counts.cumsum().tolist()]
        joined = np.empty(bounds[-1], np.uint32)
        self.functions.chunks_join(self.handle, joined.ctypes.data)
        joined = joined.astype(dtype)
        return [joined[begin:end] for begin, end in pairwise(bounds)]


def enough(there_was: bool) -> None:
    if not there_was:
        raise MemoryError
