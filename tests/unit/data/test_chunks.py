"""Chunks that were there before are looked up: what is remembered, what is forgotten, what fails."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tests.looked_up import WAYS, looked_up
from unmask.base.errors import TokenizerError
from unmask.data import chunks
from unmask.data.spelling import bare, in_groups
from unmask.native.chunks import Table
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import learn

LONG = "x" * 40


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn("bytes", ["The quick fox can't jump. It sleeps!"], vocab=260)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the library was given to spell."""
    found: list[str] = []

    def noted(spell):
        def spelled(backend, texts):
            found.extend(texts)
            return spell(backend, texts)

        return spelled

    monkeypatch.setattr(chunks, "bare", noted(bare))
    monkeypatch.setattr(chunks, "in_groups", noted(in_groups))
    return found


@pytest.mark.parametrize("way", WAYS)
def test_chunks_are_given_to_the_library_once_and_long_ones_each_time(tokenizer, given, way):
    remembered = looked_up(tokenizer, way)
    texts = [f"a bb, bb {LONG}", "a bb", f"ccc bb {LONG}", "whole\x00", ""]
    found = [*remembered.ids(texts[:2]), *remembered.ids(texts[2:])]
    assert [ids.tolist() for ids in found] == [list(tokenizer.encode(text).ids) for text in texts]
    assert sorted(given) == sorted(["a", " bb", ",", "ccc", f" {LONG}", f" {LONG}", "whole\x00", ""])


@pytest.mark.parametrize("way", WAYS)
def test_a_chunk_of_as_many_characters_as_may_be_is_remembered_and_one_more_is_not(tokenizer, given, way):
    remembered = looked_up(tokenizer, way)
    for _ in range(2):
        remembered.ids(["中" * 32, "中" * 33])
    assert sorted(map(len, given)) == [32, 33, 33]


@pytest.mark.parametrize("way", WAYS)
def test_with_too_many_chunks_remembered_a_batch_begins_with_none(tokenizer, given, way, monkeypatch):
    monkeypatch.setattr(chunks, "MOST", 3)
    remembered = looked_up(tokenizer, way)
    batches = [["a b", "c"], ["a b c"], ["d"], ["a d"]]
    found = [ids.tolist() for batch in batches for ids in remembered.ids(batch)]
    assert found == [list(tokenizer.encode(text).ids) for batch in batches for text in batch]
    assert [sorted(given[:3]), sorted(given[3:4]), sorted(given[4:])] == [[" b", "a", "c"], [" c"], [" d", "a", "d"]]


@pytest.mark.parametrize("way", WAYS)
def test_no_texts_have_no_ids(tokenizer, way):
    assert looked_up(tokenizer, way).ids([]) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_ids_are_of_the_type_that_was_asked_for(tokenizer, way, dtype):
    assert [ids.dtype for ids in looked_up(tokenizer, way, dtype).ids(["a b", "whole\x00", ""])] == [
        np.dtype(dtype)
    ] * 3


@pytest.mark.parametrize("way", WAYS)
def test_after_a_text_that_cannot_be_spelled_others_can(tokenizer, way):
    remembered = looked_up(tokenizer, way)
    with pytest.raises(TokenizerError, match=r"U\+D83D"):
        remembered.ids(["fox jumps", "a \ud83d\ude00"])
    [found] = remembered.ids(["a fox jumps"])
    assert found.tolist() == list(tokenizer.encode("a fox jumps").ids)


@pytest.mark.parametrize("failing", ["chunks_new", "chunks_scan", "chunks_spell"])
def test_where_there_is_no_memory_python_says_so(failing):
    functions = {"chunks_new": 1, "chunks_free": None, "chunks_scan": 0, "chunks_fresh": None, "chunks_spell": 0}
    functions[failing] = None if failing == "chunks_new" else -1
    library = SimpleNamespace(**{name: lambda *_, given=given: given for name, given in functions.items()})
    with pytest.raises(MemoryError):
        ids_of_one_text(library)


def ids_of_one_text(library):
    table = Table(library, words=True, marks=True, most=1, longest=1)
    table.scan(["a"])
    return table.rows(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.dtype("<u2"))
