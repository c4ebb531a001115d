"""What all answers have in common: a name, a time, and how many tokens they took."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from unmask.server.answers import Common, Usage

if TYPE_CHECKING:
    from unmask.generation.answer import Piece
    from unmask.server.host import Served


def new(kind: str, model: Served) -> Common:
    """A name of this kind that no other answer has."""
    return {
        "id": f"{kind}-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": model.name,
        "system_fingerprint": f"{model.dtype}-{model.device}",
    }


class Tally:
    """The tokens of one request.

    Args:
        copies: so many rows, one after the other, have the same prompt.
    """

    def __init__(self, *, copies: int) -> None:
        self.copies = copies
        self.last: dict[int, Piece] = {}

    def take(self, row: int, piece: Piece) -> None:
        self.last[row] = piece

    def usage(self) -> Usage:
        """Of a prompt that several rows share, only what none of them had to read counts as remembered."""
        rows = [self.last[row] for row in sorted(self.last)]
        groups = [rows[at : at + self.copies] for at in range(0, len(rows), self.copies)]
        prompts = sum(group[0].prompt_tokens for group in groups)
        written = sum(piece.tokens for piece in rows)
        return {
            "prompt_tokens": prompts,
            "completion_tokens": written,
            "total_tokens": prompts + written,
            "prompt_tokens_details": {"cached_tokens": sum(min(piece.reused for piece in group) for group in groups)},
        }
