"""Texts are cut and looked up by the native library as by its slow twin, whatever they are."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import vocabularies
from tests.looked_up import WAYS, looked_up
from unmask.data import chunks
from unmask.data.chunks import Chunks, Cutting, Plain
from unmask.text.formats import read_folder
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import learn

SIZES = {"bytes": 320, "wordpiece": 100, "unigram": 340, "characters": 40}
KINDS = [*SIZES, "bpe"]
SEAMS = list("aZ9é中 ▁\n\t,.;:!?\")-'(\u00a0\u1680\u2000\u200a\u200b\u2028\u202f\u205f\u3000\x0b\x1c\x85\0\ud800\udc00")
TEXTS = st.lists(st.sampled_from(SEAMS) | st.text(max_size=3), max_size=20).map("".join)
CUTS = [(marks, escaped) for marks in (False, True) for escaped in (False, True)]


@cache
def tokenizer(kind: str) -> Tokenizer:
    texts = [*vocabularies.TEXTS, "the cat sat. the cat's 12 cats  sat"] * 3
    if kind != "bpe":
        return learn(kind, texts, vocab=SIZES[kind])
    with tempfile.TemporaryDirectory() as place:
        llama = {"algorithm": "bpe", "byte_fallback": True, "rule": "identity", "squeeze": False}
        vocabularies.pieces(Path(place), texts, "LlamaTokenizer", **llama)
        found = read_folder(Path(place))
    assert found is not None
    return found


def cut_natively(marks: bool, escaped: bool, texts: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Each text's chunks by the library, and by Python: an id stands for each different chunk."""
    known = looked_up(tokenizer("bytes"), "compiled").known
    assert not isinstance(known, Plain)
    cutting = Cutting(tokenizer("bytes").backend, re.compile("(?!)"), marks=marks, escaped=escaped)
    compiled = chunks.Compiled(cutting, np.dtype("<u4"), known.table.functions)
    fresh = compiled.cut(texts)
    assert len(set(fresh)) == len(fresh)
    rows = compiled.table.rows(np.arange(len(fresh), dtype=np.uint32), np.ones(len(fresh), np.int64), compiled.dtype)
    return [[fresh[each] for each in row] for row in rows], [cutting.cut(text) for text in texts]


@pytest.mark.parametrize(("marks", "escaped"), CUTS)
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, max_size=4))
def test_texts_are_cut_where_the_pattern_cuts_them(marks: bool, escaped: bool, texts: list[str]):
    ours, wanted = cut_natively(marks, escaped, texts)
    assert ours == wanted


@pytest.mark.parametrize(("marks", "escaped"), CUTS)
def test_of_all_characters_the_same_are_blanks_and_marks(marks: bool, escaped: bool):
    characters = [chr(code) for code in [*range(1 << 16), 0x1F600, 0x10FFFF]]
    ours, wanted = cut_natively(marks, escaped, [f"a{each}b{each},d" for each in characters])
    assert [each for each, x, y in zip(characters, ours, wanted, strict=True) if x != y] == []


@cache
def forgetful(kind: str, way: str) -> Chunks:
    """It remembers a dozen chunks of up to four characters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "MOST", 12)
        patch.setattr(chunks, "LONGEST", 4)
        return looked_up(tokenizer(kind), way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXTS.map(lambda text: re.sub("[\ud800-\udfff]", "", text)), max_size=4))
def test_what_is_remembered_of_earlier_texts_changes_no_ids(kind: str, way: str, texts: list[str]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "MOST", 12)
        patch.setattr(chunks, "LONGEST", 4)
        found = forgetful(kind, way).ids(texts)
    assert [ids.tolist() for ids in found] == [list(tokenizer(kind).encode(text, special=False).ids) for text in texts]
