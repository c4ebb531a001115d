"""Prompts of a wanted length."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from unmask.base.errors import RequestError
from unmask.server.bench.prompts import Source, prompts

TEXT = ["one", "two", "three", "four", "five", "six", "seven"]


async def three_a_word_and_ten_more(prompt: str) -> int:
    return 3 * len(prompt.split()) + 10


def made(source: Source, *, tokens: int, seed: int = 0) -> list[str]:
    return asyncio.run(prompts(source, tokens=tokens, count=8, seed=seed, measure=three_a_word_and_ten_more))


@pytest.mark.parametrize("source", [Source(), Source(TEXT)])
def test_prompts_are_as_long_as_they_are_wanted(source: Source) -> None:
    assert [3 * len(prompt.split()) + 10 for prompt in made(source, tokens=100)] == [100] * 8


def test_words_by_chance_make_different_prompts_and_the_seed_the_same_again() -> None:
    found = made(Source(), tokens=100)
    assert len(set(found)) == 8
    assert made(Source(), tokens=100) == found
    assert made(Source(), tokens=100, seed=1) != found


def test_a_passage_of_a_text_goes_on_at_its_beginning() -> None:
    passage = Source(TEXT).cut(Random(0), 20).split()
    start = TEXT.index(passage[0])
    assert passage == (TEXT * 4)[start : start + 20]


def test_a_prompt_shorter_than_the_frame_is_refused_with_both_numbers() -> None:
    with pytest.raises(RequestError, match=r"10 tokens long.*has 10 already"):
        made(Source(), tokens=10)
