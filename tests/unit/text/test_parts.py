from __future__ import annotations

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers

from unmask.text.parts import parts
from unmask.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    """A token a character, whatever it is."""
    backend = tokenizers.Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return Tokenizer(backend, None, None, frozenset(), {})


def test_sentences_that_fit_together_stay_together(letters: Tokenizer):
    assert parts("One. Two. Three.", letters, 10) == ["One. Two. ", "Three."]


def test_a_text_that_fits_is_one_part(letters: Tokenizer):
    assert parts("One. Two.", letters, 9) == ["One. Two."]


def test_a_long_sentence_is_cut_between_words(letters: Tokenizer):
    assert parts("one two three four", letters, 12) == ["one two", " three four"]


def test_chinese_sentences_are_known_by_their_marks(letters: Tokenizer):
    assert parts("天气很好。我们走吧。", letters, 5) == ["天气很好。", "我们走吧。"]


@given(text=st.text(st.sampled_from("ab .。\n天"), max_size=60), limit=st.integers(1, 12))
def test_parts_put_together_are_the_text_and_each_fits(letters: Tokenizer, text: str, limit: int):
    found = parts(text, letters, limit)
    assert "".join(found) == text
    assert all(len(part) <= limit for part in found)
