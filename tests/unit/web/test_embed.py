"""How near texts are to one another, as the page of an encoder shows it."""

from __future__ import annotations

import asyncio

import numpy
import pytest

import unmask
from unmask.base.errors import ContextError
from unmask.server.host import Host
from unmask.web.embed import ranked, table
from unmask.web.page import only_embeds

OTHERS = ["paris", "a mat", "a cat", "猫"]


def ranking(model: unmask.Model, text: str, others: list[str]) -> list[tuple[float, str]]:
    async def scenario() -> list[tuple[float, str]]:
        *steps, last = [each async for each in ranked(Host(model), text, others, "en")]
        assert set(steps) == {None}
        assert last is not None
        return last

    return asyncio.run(scenario())


def test_the_nearest_by_cosine_comes_first_and_a_text_is_nearest_to_itself(encoder_model: unmask.Model):
    text, *others = [encoder_model.embed(each).double().numpy() for each in ("a cat", *OTHERS)]
    cosines = [text @ other / numpy.linalg.norm(text) / numpy.linalg.norm(other) for other in others]
    shown = ranking(encoder_model, "a cat", OTHERS)
    assert [line for _, line in shown] == [OTHERS[number] for number in numpy.argsort(cosines)[::-1]]
    assert [value for value, _ in shown] == pytest.approx(sorted(cosines, reverse=True), abs=1e-5)
    assert shown[0] == (pytest.approx(1), "a cat")


def test_what_was_typed_is_shown_and_never_read_as_html():
    shown = table([(0.98765, "<b>1 & 2</b>")])
    assert "<b>0.9877</b><span>&lt;b&gt;1 &amp; 2&lt;/b&gt;</span>" in shown


def test_a_line_too_long_is_the_models_own_error(encoder_model: unmask.Model):
    with pytest.raises(ContextError, match="62"):
        ranking(encoder_model, "a cat", ["a", "cat " * 60])


def test_an_encoder_only_embeds_and_a_model_with_a_template_talks(
    encoder_model: unmask.Model, tiny_model: unmask.Model
):
    assert only_embeds(encoder_model)
    assert not only_embeds(tiny_model)
