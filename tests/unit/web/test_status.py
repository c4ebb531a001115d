"""The line below the chat."""

from __future__ import annotations

import re

from unmask.web.conversation import Answer
from unmask.web.desk import Desk
from unmask.web.status import Status


def plain(line: str) -> str:
    return re.sub(r"<[^>]*>", "|", line)


def test_it_tells_pace_context_and_memory(desk: Desk):
    line = plain(Status(desk.host).line(Answer("tiny", (1,) * 90, prompt_tokens=10, speed=12.34), "en"))
    assert "12.3 tokens/s" in line
    assert "90 tokens written" in line
    assert "context 100 of 4096" in line
    # Two layers, each with keys and values of 2 heads of width 8, in float32.
    assert Status(desk.host).cache(100) == 2 * 2 * 100 * 2 * 8 * 4


def test_the_cache_grows_with_the_context(desk: Desk):
    status = Status(desk.host)
    few, many = (status.line(Answer("tiny", (1,) * count), "en") for count in (1, 4000))
    assert "cache 0.0 MB" in few
    assert "cache 1.0 MB" in many


def test_the_weights_are_the_models_parameters(desk: Desk):
    assert Status(desk.host).weights == 4 * desk.host.model.parameters


def test_without_an_answer_nothing_is_said_of_one(desk: Desk):
    line = plain(Status(desk.host).line(None, "zh"))
    assert "上下文 0 / 4096" in line
    assert "词元" not in line
