"""A long text cut into windows that a model can read, and which of each window's tokens are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.generation.score import ROWS

SHORTEST = 4
"""Tokens of a window; of fewer, no half would be left to judge."""


@dataclass(frozen=True)
class Window:
    """Ids that are read together. Those from `first` on, at least 1, are judged: each by what stands before it."""

    ids: tuple[int, ...]
    first: int


Reading = Callable[[Window], Iterable[tuple[Tensor, Tensor]]]
"""What a model makes of a window: scores of every token [R, V], and the ids [R] that stand there; some at a time."""


def reading(core: Transformer) -> Reading:
    """How this model reads."""

    @torch.inference_mode()
    def read(window: Window) -> Iterator[tuple[Tensor, Tensor]]:
        assert core.head is not None
        ids = torch.tensor(window.ids, device=core.device)
        hidden = core(ids[None])[0, window.first - 1 : -1].split(ROWS)
        for rows, judged in zip(hidden, ids[window.first :].split(ROWS), strict=True):
            yield core.head(rows).float(), judged

    return read


def windows(reader: Reader, text: str, *, length: int, stride: int | None = None) -> list[Window]:
    """The windows of a text, `length` tokens each.

    Args:
        stride: None judges the second half of windows that lie side by side, as llama.cpp does; a number moves the
            window by so many tokens, and each token is judged once, with most before it.
    Raises:
        RequestError: if the model is an encoder, the text is shorter than a window, or a number is out of its range.
        TokenizerError: if the tokenizer cannot spell the text.
    """
    reader.check_writes()
    check("window", length, SHORTEST, reader.spec.context)
    ids = reader.spelled(text).ids
    if len(ids) < length:
        raise RequestError(
            "The text has {tokens} tokens and a window takes {window}. Give a longer text, or smaller windows.",
            tokens=len(ids),
            window=length,
        )
    if stride is None:
        return halves(ids, length=length, begin=beginning(reader))
    check("stride", stride, 1, length)
    return strides(ids, length=length, stride=stride)


def check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise RequestError(
            "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=low, high=high
        )


def beginning(reader: Reader) -> int | None:
    """The id that this model puts before every text; None where it puts none."""
    added = reader.tokenizer.encode("").ids
    return added[0] if added and added[0] == reader.tokenizer.bos else None


def halves(ids: Sequence[int], *, length: int, begin: int | None) -> list[Window]:
    """Windows side by side, the second half of each judged but for its first token; the rest at the end is not read.

    `begin` takes the place of each window's first token. Source: llama.cpp's tools/perplexity, by whose rule figures
    of its users are made: it takes the scores at positions n/2 to n - 2, which foresee the tokens after them.
    """
    made = []
    for start in range(0, len(ids) - length + 1, length):
        first, *others = ids[start : start + length]
        made.append(Window((first if begin is None else begin, *others), first=length // 2 + 1))
    return made


def strides(ids: Sequence[int], *, length: int, stride: int) -> list[Window]:
    """Windows that move by `stride`; each judges what none before it has, the first all but the text's first token."""
    made, judged = [], 1
    for start in range(0, len(ids), stride):
        end = min(start + length, len(ids))
        first = max(judged - start, 1)
        if start + first < end:
            made.append(Window(tuple(ids[start:end]), first=first))
        judged = end
        if end == len(ids):
            break
    return made
