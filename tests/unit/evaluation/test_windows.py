"""Which tokens are read together, and which of them are judged."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tokenizers import processors

import unmask
from unmask.base.errors import RequestError
from unmask.evaluation.windows import Window, halves, reading, strides, windows
from unmask.generation.reader import Reader

TEXT = "The quick brown fox jumps over the lazy dog. 云雾山中的小屋里住着一只猫。" * 4


def places(found: list[Window], *, step: int) -> list[int]:
    """Where in the text the judged tokens of windows that begin every `step` tokens are."""
    return [i * step + at for i, window in enumerate(found) for at in range(window.first, len(window.ids))]


def test_side_by_side_the_second_half_is_judged_but_for_its_first_token():
    found = halves(range(100, 121), length=8, begin=None)
    assert [window.ids for window in found] == [tuple(range(100, 108)), tuple(range(108, 116))]
    assert places(found, step=8) == [5, 6, 7, 13, 14, 15]


def test_a_window_begins_as_every_text_of_the_model_does():
    assert [window.ids for window in halves(range(8), length=4, begin=99)] == [(99, 1, 2, 3), (99, 5, 6, 7)]


@pytest.mark.parametrize(("count", "length", "stride"), [(50, 8, 3), (50, 8, 7), (9, 8, 1), (8, 8, 2), (50, 8, 6)])
def test_with_a_stride_every_token_but_the_first_is_judged_once(count: int, length: int, stride: int):
    found = strides(range(count), length=length, stride=stride)
    assert places(found, step=stride) == list(range(1, count))
    assert all(window.ids == tuple(range(i * stride, i * stride + len(window.ids))) for i, window in enumerate(found))


def test_windows_that_do_not_overlap_leave_their_first_tokens_out():
    assert places(strides(range(10), length=4, stride=4), step=4) == [1, 2, 3, 5, 6, 7, 9]


def test_a_model_that_begins_texts_begins_its_windows(tiny_model: unmask.Model):
    tokenizer = tiny_model.tokenizer
    backend = type(tokenizer.backend).from_str(tokenizer.backend.to_str())
    backend.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)]
    )
    vocabulary = replace(tokenizer, backend=backend, bos=1)
    reader = Reader("tiny", tiny_model.spec, vocabulary, None)
    assert {window.ids[0] for window in windows(reader, TEXT, length=16)} == {1}
    assert {window.ids[0] for window in windows(tiny_model.reader, TEXT, length=16)} != {1}


def test_scores_are_those_of_the_whole_window_a_place_earlier(tiny_model: unmask.Model):
    window = windows(tiny_model.reader, TEXT, length=32)[0]
    parts = list(reading(tiny_model.core)(window))
    with torch.inference_mode():
        whole = tiny_model.core.logits(torch.tensor([window.ids]))[0]
    torch.testing.assert_close(torch.cat([scores for scores, _ in parts]), whole[16:31])
    assert torch.cat([ids for _, ids in parts]).tolist() == list(window.ids[17:])


def test_a_text_shorter_than_a_window_is_refused(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match=r"2 tokens.*takes 512"):
        windows(tiny_model.reader, "ab", length=512)


@pytest.mark.parametrize("length", [3, 4097])
def test_a_window_must_have_halves_and_fit_the_context(tiny_model: unmask.Model, length: int):
    with pytest.raises(RequestError, match=f"window is {length}.*from 4 to 4096"):
        windows(tiny_model.reader, TEXT, length=length)


@pytest.mark.parametrize("stride", [0, 17])
def test_a_stride_may_not_skip_tokens(tiny_model: unmask.Model, stride: int):
    with pytest.raises(RequestError, match=f"stride is {stride}.*from 1 to 16"):
        windows(tiny_model.reader, TEXT, length=16, stride=stride)


def test_an_encoder_is_refused(encoder_model: unmask.Model):
    with pytest.raises(RequestError, match="is an encoder"):
        windows(encoder_model.reader, TEXT, length=16)
