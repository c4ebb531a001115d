"""The row of all tokens cut into pieces of one length, whatever documents they hold."""

from __future__ import annotations

from unmask.base.errors import DataError
from unmask.base.streams import key
from unmask.data.order import Order
from unmask.data.rows import Span, TokenRow


class Pieces:
    """Pieces of `length` tokens, and of `more` tokens after each; every epoch visits all, in an order of its own.

    What the row has over whole pieces is left out, a part of it at each end; which part, each epoch draws anew.

    Raises:
        DataError: if the row is shorter than one piece.
    """

    def __init__(self, corpus: TokenRow, *, length: int, seed: int, more: int = 0) -> None:
        if corpus.tokens < length + more:
            raise DataError(
                "The corpus has {tokens} tokens, and one row takes {length}. Give more text, or a smaller context.",
                tokens=corpus.tokens,
                length=length + more,
            )
        count, self.rest = divmod(corpus.tokens - more, length)
        self.length = length
        self.more = more
        self.seed = seed
        self.order = Order(count, seed)

    def span(self, sample: int) -> Span:
        """Where the piece that is sample number `sample` of all begins, and where what is after it ends."""
        epoch, index = self.order.place(sample)
        begin = key(self.seed, "pieces", epoch) % (self.rest + 1) + index * self.length
        return begin, begin + self.length + self.more
