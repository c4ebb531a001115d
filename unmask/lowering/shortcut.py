"""A model's shortcut: the native library reads and writes where the Transformer would in torch."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from unmask.base.language import say
from unmask.base.runtime import one_thread
from unmask.core.caches import Cache, StaticCache
from unmask.core.masks import Both, Mask, RightPadding
from unmask.core.seq2seq import Seq2Seq
from unmask.core.transformer import Transformer
from unmask.lowering.lower import Lowered, NotLowered, lower
from unmask.lowering.translating import Translating
from unmask.native.library import Library, library
from unmask.native.program import FEW, Pages, Program, Texts, rows_for
from unmask.quantization.census import schemes

log = logging.getLogger("unmask")

SIDE_BY_SIDE = 256
"""Tokens of texts that an encoder reads at a time; one longer text is read alone."""
SHORTEST = 2048
"""Positions that are prepared for at the least; longer rows double it."""


class Writing:
    """The way of a model that writes: its steps to logits; the model and its cache stay what they are."""

    def __init__(self, model: Transformer, found: Library) -> None:
        self.model = model
        self.library = found
        self.lowered, self.program = self.prepared(SHORTEST)

    def prepared(self, length: int) -> tuple[Lowered, Program]:
        lowered = lower(self.model, length=min(length, self.model.spec.context))
        vocab, rows = self.model.spec.embedding.vocab, rows_for(lowered.widths)
        return lowered, Program(self.library, lowered.steps, lowered.widths, vocab, rows)

    def logits(self, tokens: Tensor, cache: Cache | None, last: int | None) -> Tensor | None:
        """Logits [B, last, V] of tokens [B, T] that follow what the cache holds; None for calls that are torch's."""
        rows, length = tokens.shape
        if not isinstance(cache, StaticCache) or min(rows, length) != 1 or rows > FEW or rows != len(cache.keys[0]):
            return None
        end = cache.slots + length
        if end > min(cache.capacity, self.model.spec.context) or not readable(self.model, tokens, self.library):
            return None
        self.reach(end)
        wanted = length if last is None else min(last, length)
        logits = torch.empty(rows, wanted, self.program.given)
        if rows > 1:
            self.column(tokens, cache, logits[:, 0])
        else:
            self.row(tokens[0], cache, logits[0])
        cache.advance(length)
        return logits

    def write(self, texts: Texts, pages: Pages, *, reach: int) -> Tensor:
        """Logits [n, V] of the wanted rows of texts, `Program.rows` tokens at most; `reach`: slots of the longest."""
        self.reach(reach)
        assert texts.wanted is not None
        logits = torch.empty(len(texts.wanted), self.program.given)
        self.program.write(texts, pages, logits)
        return logits

    def reach(self, length: int) -> None:
        """Be ready for rows of so many slots."""
        if length > self.lowered.length:
            self.lowered, self.program = self.prepared(max(length, 2 * self.lowered.length))

    def column(self, tokens: Tensor, cache: StaticCache, logits: Tensor) -> None:
        """Fill in the logits [B, V] of a token for each row [B, 1]."""
        each = torch.arange(len(tokens) + 1)
        texts = Texts(
            tokens=tokens[:, 0].contiguous(),
            starts=each,
            slots=torch.full((len(tokens),), cache.slots),
            tables=each[:-1, None].int(),
            apart=torch.ones(len(tokens), dtype=torch.int64),
            wanted=each[:-1],
        )
        self.program.write(texts, Pages(cache.keys, cache.values), logits)

    def row(self, tokens: Tensor, cache: StaticCache, logits: Tensor) -> None:
        """Fill in the logits [n, V] of the last n of one row's tokens [T], read some at a time."""
        unwanted = len(tokens) - len(logits)
        for begin in range(0, len(tokens), self.program.rows):
            part = tokens[begin : begin + self.program.rows].contiguous()
            end = begin + len(part)
            texts = Texts(
                tokens=part,
                starts=torch.tensor([0, len(part)]),
                slots=torch.tensor([cache.slots + begin]),
                tables=torch.zeros(1, 1, dtype=torch.int32),
                apart=torch.tensor([int(len(tokens) == 1)]),
                wanted=torch.arange(max(begin, min(unwanted, end)) - begin, len(part)),
            )
            into = logits[max(0, begin - unwanted) : max(0, end - unwanted)]
            self.program.write(texts, Pages(cache.keys, cache.values), into)

    def hidden(self, tokens: Tensor, mask: Mask | None) -> Tensor | None:
        return None

    def __deepcopy__(self, memo: object) -> None:
        """A copy of the model may be changed: it goes by torch until it gets a shortcut of its own."""


class Reading:
    """The way of an encoder: its steps to hidden states, of the tokens alone, without their padding."""

    def __init__(self, model: Transformer, found: Library) -> None:
        self.model = model
        self.library = found
        lowered = lower(model, length=model.spec.context)
        rows = max(SIDE_BY_SIDE, model.spec.context)
        self.program = Program(found, lowered.steps, lowered.widths, model.spec.width, rows)

    def logits(self, tokens: Tensor, cache: Cache | None, last: int | None) -> Tensor | None:
        return None

    def hidden(self, tokens: Tensor, mask: Mask | None) -> Tensor | None:
        """Hidden states [B, T, W] of texts [B, T], zeros where they are padded; None for calls that are torch's."""
        rows, length = tokens.shape
        lengths = padded_lengths(self.model, mask, rows, length)
        if lengths is None or length > self.model.spec.context or not readable(self.model, tokens, self.library):
            return None
        with one_thread():
            return self.read(tokens, lengths)

    def read(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Some texts at a time, put side by side and apart again."""
        rows, length = tokens.shape
        out = torch.zeros(rows, length, self.model.spec.width)
        places = torch.arange(length)
        step = max(1, SIDE_BY_SIDE // length)
        for first in range(0, rows, step):
            real = places < lengths[first : first + step, None]  # [b, T]
            starts = torch.cat((torch.zeros(1, dtype=torch.int64), lengths[first : first + step].cumsum(0)))
            out[first : first + step][real] = self.program.read(Texts(tokens[first : first + step][real], starts))
        return out

    def __deepcopy__(self, memo: object) -> None:
        """As in Writing."""


def padded_lengths(model: Transformer, mask: Mask | None, rows: int, length: int) -> Tensor | None:
    """How many tokens of each row are text [B], where the mask says no more than that."""
    if mask is None or mask == model.spec.mask:
        return torch.full((rows,), length)
    if isinstance(mask, Both) and mask.left == model.spec.mask and isinstance(mask.right, RightPadding):
        return mask.right.numbers.clamp(max=length)
    return None


def readable(model: Transformer, tokens: Tensor, made_for: Library) -> bool:
    """Whether the library can read these tokens [B, T]; what it cannot, torch does or refuses."""
    here = tokens.device.type == "cpu" and not torch.is_grad_enabled() and tokens.numel() > 0
    # A forked process has another library, since it has none of its parent's threads.
    return (
        here
        and model.dtype == torch.float32
        and tokens.dtype == torch.int64
        and library() is made_for
        and int(tokens.min()) >= 0
        and int(tokens.max()) < model.spec.embedding.vocab
    )


def shorten(model: Transformer | Seq2Seq) -> None:
    """Give a quantized or float32 model its shortcut; if a part has no native operation, leave it to torch.

    Of a quantized one that is said: torch is much slower with few bits.
    """
    found = library()
    if found is None or model.device.type != "cpu":
        return
    try:
        if isinstance(model, Seq2Seq):
            model.encoder.shortcut, model.shortcut = Reading(model.encoder, found), Translating(model, found)
        else:
            model.shortcut = Writing(model, found) if model.spec.writes else Reading(model, found)
    except NotLowered as reason:
        if schemes(model):
            log.warning(say("This model runs on PyTorch, more slowly: {reason}", reason=reason))
