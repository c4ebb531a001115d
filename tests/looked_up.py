"""Both ways in which texts are looked up chunk by chunk: by the native library, and its slow twin."""

from __future__ import annotations

import os

import pytest

from unmask.data.chunks import Chunks, Compiled, Plain, cutting
from unmask.native.library import SWITCH, threadless
from unmask.text.tokenizer import Tokenizer

WAYS = {"compiled": Compiled, "plain": Plain}


def looked_up(tokenizer: Tokenizer, way: str, dtype: str = "<u4") -> Chunks:
    """What gives this tokenizer's texts ids in this way; without a library the test is skipped, but not in CI."""
    found = cutting(tokenizer)
    assert found is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "off" if way == "plain" else "")
        if way == "compiled" and threadless() is None:
            assert not os.environ.get("CI"), "the native library was not built"
            pytest.skip("the native library was not built: there is no C compiler")
        chunks = Chunks(found, tokenizer.backend, dtype)
    assert type(chunks.known) is WAYS[way]
    return chunks
