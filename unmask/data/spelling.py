"""Texts to ids by the library, side by side on all cores, with its failures as errors of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from unmask.text.tokenizer import encode_error, library_failure

GROUP = 256
"""Chunks that the library gets as one text of so many words: it spells each by itself, but answers once for all."""


def bare(backend: tokenizers.Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text, without spans, which take time.

    Raises:
        TokenizerError: as `spelled` does.
    """
    found = spelled(lambda: backend.encode_batch_fast(list(texts), add_special_tokens=False), texts)
    return [each.ids for each in found]


def in_groups(backend: tokenizers.Tokenizer, chunks: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The ids of short texts, one after the other, and how many each has: as `bare`, but quicker for a few ids each.

    Raises:
        TokenizerError: as `spelled` does.
    """
    groups = [chunks[at : at + GROUP] for at in range(0, len(chunks), GROUP)]
    found = spelled(lambda: backend.encode_batch(groups, is_pretokenized=True, add_special_tokens=False), chunks)
    lengths = [np.zeros(0, np.int64)]
    for group, each in zip(groups, found, strict=True):
        lengths.append(np.bincount(np.array(each.word_ids, np.int64), minlength=len(group)))
    return np.fromiter(chain.from_iterable(each.ids for each in found), np.uint32), np.concatenate(lengths)


def spelled(encode: Callable[[], Sequence[Any]], texts: Sequence[str]) -> Sequence[Any]:
    """What the library makes of these texts.

    Raises:
        TokenizerError: if one of them cannot be spelled.
    """
    try:
        return encode()
    except BaseException as error:
        raise encode_error(texts, library_failure(error)) from error
