"""The page of a translator: its lines, and where the model looked in one of them."""

from __future__ import annotations

import asyncio
import html

import pytest

import unmask
from tests.tiny_translator import CONTEXT, german
from unmask.base.errors import RequestError
from unmask.server.host import Host
from unmask.web.translate import joined, offered, pages, translated

LINES = ["a big house", "", "no <b>red</b>"]


def run(translator: unmask.Translator, lines: list[str]) -> list[unmask.Translation]:
    async def scenario() -> list[unmask.Translation]:
        host = Host(translator)
        found = [each async for each in translated(host, translator, lines, translator.search, "en")]
        host.close()
        return [each for each in found if each is not None]

    return asyncio.run(scenario())


def test_each_line_is_translated_and_those_with_a_translation_are_offered(translator: unmask.Translator):
    done = run(translator, LINES[:2])
    assert joined(done) == f"{german(LINES[0])}\n"
    offer, lines = offered(done, looks=True)
    assert offer["choices"] == [("a big house", 0)]
    assert (offer["visible"], offer["value"]) == (True, 0)
    assert lines == [("a big house", german("a big house"))]


def test_without_a_translation_there_is_no_line_to_look_at(translator: unmask.Translator):
    offer, lines = offered(run(translator, [""]), looks=True)
    assert (offer["visible"], offer["value"], lines) == (False, None, [])


@pytest.mark.parametrize(("tongue", "said"), [("en", "Alignment in"), ("zh", "对齐")])
def test_the_picture_of_a_line_is_fenced_off_and_in_the_visitors_language(
    translator: unmask.Translator, tongue: str, said: str
):
    async def scenario() -> list[str]:
        host = Host(translator)
        found = [each async for each in pages(host, translator, "a <b>house", "ein Haus", tongue)]
        host.close()
        return [each for each in found if isinstance(each, str)]

    *_, page = asyncio.run(scenario())
    assert 'sandbox="allow-scripts"' in page
    assert said in html.unescape(page)
    assert "<b>" not in page


def test_a_line_too_long_to_look_into_leaves_the_picture_empty(
    translator: unmask.Translator, monkeypatch: pytest.MonkeyPatch
):
    told: list[Exception] = []
    monkeypatch.setattr("unmask.web.translate.tell_of_failure", lambda error, tongue: told.append(error))

    async def scenario() -> list[str]:
        host = Host(translator)
        found = [each async for each in pages(host, translator, "a house " * CONTEXT, "Haus", "en")]
        host.close()
        return found

    assert asyncio.run(scenario())[-1] == ""
    (error,) = told
    assert isinstance(error, RequestError)
    assert str(CONTEXT) in str(error)
