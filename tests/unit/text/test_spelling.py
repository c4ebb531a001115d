"""Tokens as bytes."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import decoders, models

import unmask
from unmask.text.spelling import Spelling
from unmask.text.tokenizer import Tokenizer


def test_every_token_of_a_byte_level_vocabulary_is_spelled_as_the_library_decodes_it(tiny_model: unmask.Model):
    tokenizer, spelling = tiny_model.tokenizer, Spelling(tiny_model.tokenizer)
    for token in range(tokenizer.size):
        assert spelling.bytes(token).decode(errors="replace") == tokenizer.decode([token], skip_special=False)


@pytest.mark.parametrize("text", ["The fox", "云雾山中", "naïve 🦊\n\t"])
def test_the_tokens_of_a_text_are_together_its_bytes(tiny_model: unmask.Model, text: str):
    spelling = Spelling(tiny_model.tokenizer)
    ids = tiny_model.tokenizer.encode(text, special=False).ids
    assert b"".join(map(spelling.bytes, ids)) == text.encode()


def sentence_pieces() -> Tokenizer:
    vocabulary = {"▁fox": 0, "s": 1, "<0xE4>": 2, "<tool>": 4}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, []))
    backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    backend.add_special_tokens(["<tool>"])
    return Tokenizer(backend, bos=None, pad=None, ends=frozenset(), specials={})


@pytest.mark.parametrize(("token", "spelled"), [(0, b" fox"), (1, b"s"), (2, b"\xe4"), (3, b""), (4, b"<tool>")])
def test_pieces_have_blanks_bytes_and_gaps(token: int, spelled: bytes):
    assert Spelling(sentence_pieces()).bytes(token) == spelled


def test_a_token_that_is_no_whole_character_shows_its_bytes():
    spelling = Spelling(sentence_pieces())
    assert [spelling.text(0), spelling.text(2)] == [" fox", r"\xe4"]
