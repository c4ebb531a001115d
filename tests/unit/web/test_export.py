"""Conversations as files to take away."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.unit.web.talks import exchanged, replied
from unmask.web.conversation import Conversation
from unmask.web.export import all_as_json, all_as_markdown, as_json, as_markdown


def test_markdown_has_the_path_that_is_shown_with_a_heading_for_each_turn(empty: Conversation):
    talk = exchanged(replace(empty, system="Be brief.", created="2026-01-02"), "Who?", "me", finish="stopped")
    other = talk.plus(replied(talk.path()[0], "Nobody."))
    assert as_markdown(other, "en") == (
        "# Who?\n\n*2026-01-02*\n\n## System prompt\n\nBe brief.\n\n## You\n\nWho?\n\n## tiny\n\nNobody.\n"
    )
    assert as_markdown(talk, "en").endswith("## tiny\n\nme\n\n*stopped here*\n")


def test_a_cut_answer_says_where_and_in_chinese_too(empty: Conversation):
    talk = exchanged(empty, "谁？", "我", finish="length", tokens=(1, 2, 3))
    assert as_markdown(talk, "zh").endswith("## 您\n\n谁？\n\n## tiny\n\n我\n\n*在 3 个词元处截断*\n")


def test_json_has_every_branch(empty: Conversation):
    talk = exchanged(empty, "Who?", "me")
    other = talk.plus(replied(talk.path()[0], "Nobody."))
    held = json.loads(as_json(other))
    assert [message["content"] for message in held["messages"]] == ["Who?", "me", "Nobody."]
    assert json.loads(all_as_json([other])) == [held]


def test_all_in_markdown_are_one_after_the_other(empty: Conversation):
    one, two = exchanged(empty, "one", "1"), exchanged(empty, "two", "2")
    assert all_as_markdown([one, two], "en") == f"{as_markdown(one, 'en')}\n---\n\n{as_markdown(two, 'en')}"
