"""The views of an answer."""

from __future__ import annotations

import asyncio
import html
import re

import pytest
import torch

import unmask
from tests.unit.web.talks import exchanged
from unmask.base.errors import ContextError
from unmask.server.host import Host
from unmask.views.view import View
from unmask.web.conversation import Conversation
from unmask.web.inside import framed, of_answer, seen, written


def views(model: unmask.Model, talk: Conversation, tongue: str = "en") -> list[View]:
    async def scenario() -> list[View]:
        begin = of_answer(model, talk, talk.path()[-1], tongue)
        return [view async for view in seen(Host(model), begin, tongue) if view is not None]

    return asyncio.run(scenario())


@pytest.fixture
def talk(tiny_model: unmask.Model, empty: Conversation) -> Conversation:
    """As the tiny model answers it."""
    reply = tiny_model.chat([{"role": "user", "content": "云雾山中"}], limit=6)
    return exchanged(empty, "云雾山中", reply.text, model=tiny_model.name, tokens=reply.tokens)


def test_the_probabilities_are_those_with_which_the_answer_was_written(tiny_model: unmask.Model, talk: Conversation):
    tokens, _ = views(tiny_model, talk)
    answer = talk.path()[-1].answer.tokens
    prompt = tiny_model.reader.render(talk.read(talk.path()[0].id))
    with torch.no_grad():
        logits = tiny_model.logits(torch.tensor([[*prompt, *answer]]))[0, len(prompt) - 1 : -1]
    chances = logits.softmax(dim=-1)[torch.arange(len(answer)), torch.tensor(answer)]
    readings = tokens.data["readings"]
    assert [reading["id"] for reading in readings] == list(answer)
    assert [reading["probability"] for reading in readings] == pytest.approx(chances.tolist(), rel=1e-4)


def test_only_the_answer_is_shown(tiny_model: unmask.Model, talk: Conversation):
    tokens, _ = views(tiny_model, talk)
    assert "im_start" not in tokens.data["text"]
    assert tokens.data["text"] == talk.path()[-1].content


def test_the_attention_is_of_the_whole_conversation(tiny_model: unmask.Model, talk: Conversation):
    _, attention = views(tiny_model, talk)
    prompt = tiny_model.reader.render(talk.read(talk.path()[0].id))
    assert len(attention.data["tokens"]) == len(prompt) + len(talk.path()[-1].answer.tokens)


def test_another_models_answer_is_spelled_anew(tiny_model: unmask.Model, empty: Conversation):
    talk = exchanged(empty, "云", "猫", model="other", tokens=(1, 2, 3))
    assert written(tiny_model, talk.path()[-1]) == tiny_model.reader.spelled("猫", special=False).ids


def test_a_conversation_longer_than_the_context_is_refused(tiny_model: unmask.Model, empty: Conversation):
    talk = exchanged(empty, "云", "猫", model=tiny_model.name, tokens=(5,) * 4096)
    with pytest.raises(ContextError, match="4096"):
        views(tiny_model, talk)


def test_a_view_is_fenced_off_from_the_page():
    view = View('<b>"title"</b>', "en", {"a": "<script>"}, "<svg></svg>")
    shown = framed(view, "tokens", "en")
    assert re.findall(r"<(\w+)", shown) == ["iframe", "a"]
    assert 'sandbox="allow-scripts"' in shown
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(page) == view.html()
