"""What the chat component is given of a conversation."""

from __future__ import annotations

from tests.unit.web.talks import exchanged, replied
from unmask.web.conversation import Conversation
from unmask.web.history import settled, shown


def below(conversation: Conversation, tongue: str = "en") -> list[str]:
    """What the buttons under the last answer say."""
    messages, _ = settled(conversation, tongue)
    return [option["label"] for option in messages[-1].get("options", [])]


def test_a_text_is_shown_with_the_blanks_at_its_beginning(empty: Conversation):
    assert shown(exchanged(empty, "  if x:", "\n    y"))[0]["content"] == [{"type": "text", "text": "  if x:"}]


def test_dots_stand_for_an_answer_without_words(empty: Conversation):
    assert shown(exchanged(empty, "Who?", ""))[1]["content"] == [{"type": "text", "text": "…"}]


def test_a_whole_answer_can_be_looked_into(empty: Conversation):
    assert below(exchanged(empty, "Who?", "me")) == ["Look inside"]


def test_an_answer_that_was_stopped_or_cut_says_so_and_can_go_on(empty: Conversation):
    assert below(exchanged(empty, "Who?", "me", finish="stopped"))[1] == "Stopped here. Continue"
    assert below(exchanged(empty, "Who?", "me", finish="length", tokens=(1, 2)))[1] == "Cut at 2 tokens. Continue"
    assert below(exchanged(empty, "谁？", "我", finish="length", tokens=(1, 2)), "zh")[1] == "在 2 个词元处截断，继续写"


def test_several_answers_are_counted(empty: Conversation):
    talk = exchanged(empty, "Who?", "me")
    both = talk.plus(replied(talk.path()[0], "Nobody."))
    assert below(both) == ["Look inside", "Answer 2 of 2: show the next"]


def test_each_answer_has_its_own_thumb(empty: Conversation):
    talk = exchanged(exchanged(exchanged(empty, "a", "1", rating="up"), "b", "2"), "c", "3", rating="down")
    assert settled(talk, "en")[1] == ["Like", None, "Dislike"]


def test_a_question_without_an_answer_has_no_buttons(empty: Conversation):
    talk = exchanged(empty, "Who?", "me")
    alone = talk.without({talk.leaf or ""}, leaf=talk.path()[0].id)
    assert below(alone) == []
