"""What the pages say, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unmask.web import chat, embed, frame, look, panel, settings, sidebar
from unmask.web.gallery import gallery

LABELS = [embed.tabs, frame.other_language, *(each.labels for each in (chat, embed, look, panel, settings, sidebar))]
ALIKE = {"top_p.label", "top_k.label", "min_p.label"}


def flat(labels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {f"{name}.{key}": value for name, said in labels.items() for key, value in said.items()}


@pytest.mark.parametrize("labels", LABELS)
def test_every_label_has_both_languages(labels: Callable[[str], dict[str, dict[str, Any]]]):
    english, chinese = flat(labels("en")), flat(labels("zh"))
    assert english.keys() == chinese.keys()
    assert {name for name in english if english[name] == chinese[name]} <= ALIKE


def test_a_dozen_prompts_in_five_groups_begin_a_conversation():
    for tongue in ("en", "zh"):
        cards = gallery(tongue)
        assert len({card["text"] for card in cards}) == 12
        assert len({card["display_text"].split("\n")[0] for card in cards}) == 5
    assert not {card["text"] for card in gallery("en")} & {card["text"] for card in gallery("zh")}
