"""An encoder-decoder's shortcut: the native library writes each token of all rows in one call."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from unmask.base.errors import ContextError
from unmask.core.kernels import attend
from unmask.core.seq2seq import Seq2Seq
from unmask.lowering.lower import lower
from unmask.native.library import Library, library
from unmask.native.program import Memories, Pages, Program, Texts, rows_for


@dataclass(eq=False)
class Rows:
    """A DecoderCache in which no key ever moves: each token has a page, and a row is a list of pages.

    Args:
        pages: of one slot each.
        tables: [R, capacity], int32: the pages of each row's tokens.
        begins, lengths: [M], int64: the rows of `keys` and `values` that belong to each memory, and how many are text.
        keys, values: of the memories, each layer's [rows, K * D]; none before the first call.
    """

    pages: Pages
    tables: Tensor
    begins: Tensor
    lengths: Tensor
    written: int = 0
    used: int = 0
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def reorder(self, rows: Tensor) -> None:
        self.tables = self.tables[rows]

    def keep(self, memories: Tensor) -> None:
        self.begins, self.lengths = self.begins[memories], self.lengths[memories]

    def advance(self) -> None:
        """Set a page aside for one more token of each row.

        Raises:
            ContextError: if a row is as long as it may be.
        """
        count, capacity = self.tables.shape
        if self.written == capacity:
            raise ContextError(
                "The cache has room for {context} tokens and {tokens} were to be kept. Ask for a larger capacity.",
                context=capacity,
                tokens=capacity + 1,
            )
        self.tables[:, self.written] = torch.arange(self.used, self.used + count, dtype=torch.int32)
        self.written += 1
        self.used += count


class Translating:
    """The way of a decoder that looks at memories; what it cannot take goes by torch, with a cache of torch's."""

    def __init__(self, model: Seq2Seq, found: Library) -> None:
        self.model = model
        self.library = found
        lowered = lower(model.decoder, length=model.spec.decoder.context)
        self.program = Program(found, lowered.steps, lowered.widths, model.vocab, rows_for(lowered.widths))

    def cache(self, *, batch: int, capacity: int, memory: int, beams: int) -> Rows | None:
        """See EncoderDecoder.cache; None for rows that are torch's."""
        if not self.ready():
            return None
        shapes = [(block.attention.kv_heads, block.attention.head_width) for block in self.model.spec.decoder.blocks]
        count, dtype = batch * beams * capacity, self.model.decoder.cache_dtype
        keys = [torch.empty(count, heads, 1, width, dtype=dtype) for heads, width in shapes]
        return Rows(
            pages=Pages(keys, [torch.empty_like(key) for key in keys]),
            tables=torch.zeros(batch, capacity, dtype=torch.int32),
            begins=torch.arange(batch) * memory,
            lengths=torch.full((batch,), memory),
        )

    def ready(self) -> bool:
        """Whether the library can write here, and nobody wants what it does not tell: slopes, or what is looked at."""
        here = self.model.device.type == "cpu" and self.model.dtype == torch.float32
        watched = torch.is_grad_enabled() or any(look.kernel is not attend for look in self.model.looks)
        # A forked process has another library, since it has none of its parent's threads.
        return here and not watched and library() is self.library

    def logits(self, tokens: Tensor, memory: Tensor, lengths: Tensor | None, rows: Rows) -> Tensor:
        """See EncoderDecoder.logits: [R, T, V]."""
        if not rows.keys:
            self.read(memory, lengths, rows)
        columns = torch.empty(tokens.shape[1], len(tokens), self.program.given)
        for column, out in zip(tokens.unbind(1), columns, strict=True):
            self.column(column.contiguous(), rows, out)
        return columns.transpose(0, 1)

    def read(self, memory: Tensor, lengths: Tensor | None, rows: Rows) -> None:
        """Make keys and values of memories [M, S, W]."""
        flat = memory.float().flatten(0, 1)
        rows.keys = [look.key(flat) for look in self.model.looks]
        rows.values = [look.value(flat) for look in self.model.looks]
        if lengths is not None:
            rows.lengths = lengths

    def column(self, tokens: Tensor, rows: Rows, logits: Tensor) -> None:
        """Fill in the logits [R, V] of one token for each row [R]."""
        before, count = rows.written, len(tokens)
        rows.advance()
        each = count // len(rows.begins)
        for first in range(0, count, self.program.rows):
            last = min(first + self.program.rows, count)
            starts = torch.arange(last - first + 1)
            texts = Texts(
                tokens=tokens[first:last],
                starts=starts,
                slots=torch.full((last - first,), before),
                tables=rows.tables[first:last],
                apart=torch.ones(last - first, dtype=torch.int64),
                wanted=starts[:-1],
            )
            readers = (torch.arange(len(rows.begins) + 1) * each).clamp(first, last) - first
            memories = Memories(rows.keys, rows.values, rows.begins, rows.lengths, readers)
            self.program.write(texts, rows.pages, logits[first:last], memories)

    def __deepcopy__(self, memo: object) -> None:
        """A copy of the model may be changed: it goes by torch until it gets a shortcut of its own."""
