"""How each token is spelled by itself: as bytes, since a token may be half a character."""

from __future__ import annotations

import json
from functools import cached_property

from tokenizers.decoders import Decoder

from unmask.text.pieces import BLANK
from unmask.text.stream import BYTE_TOKEN
from unmask.text.tokenizer import Tokenizer


class Spelling:
    """The tokens of one vocabulary, control tokens spelled out."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @cached_property
    def added(self) -> dict[int, str]:
        """Tokens beside the model's own, control tokens among them; they are written as text."""
        return {each: token.content for each, token in self.tokenizer.backend.get_added_tokens_decoder().items()}

    @cached_property
    def letters(self) -> dict[str, bytes] | None:
        """What each letter of a byte-level vocabulary stands for; None where tokens are written as text."""
        return byte_letters() if "ByteLevel" in kinds(self.tokenizer.backend.decoder) else None

    def bytes(self, token_id: int) -> bytes:
        """Nothing for an id that has no token, as rows that only fill an embedding up."""
        token = self.tokenizer.backend.id_to_token(token_id)
        if token is None:
            return b""
        if token_id in self.added:
            return self.added[token_id].encode()
        if self.letters is not None:
            return b"".join([self.letters.get(each) or each.encode() for each in token])
        if BYTE_TOKEN.fullmatch(token):
            return bytes([int(token[3:5], 16)])
        return token.replace(BLANK, " ").encode()

    def text(self, token_id: int) -> str:
        r"""The token as text; bytes that are no whole character are written \xe2\x80."""
        return self.bytes(token_id).decode(errors="backslashreplace")


def kinds(decoder: Decoder | None) -> list[str]:
    """The names of a decoder's steps."""
    if decoder is None:
        return []
    plain = json.loads(decoder.__getstate__())
    return [each["type"] for each in plain.get("decoders", [plain])]


def byte_letters() -> dict[str, bytes]:
    """GPT-2's letters for bytes: printable ones stand for themselves, the others are moved behind them."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [each for each in range(256) if each not in printable]
    spelled = [*((each, each) for each in printable), *((256 + at, each) for at, each in enumerate(others))]
    return {chr(letter): bytes([each]) for letter, each in spelled}
