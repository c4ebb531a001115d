"""The tree of messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.web.talks import exchanged, replied, texts
from unmask.web.conversation import Conversation, asked, titled


def test_the_path_has_what_was_said_in_its_order(empty: Conversation):
    talk = exchanged(exchanged(empty, "one", "1"), "two", "2")
    assert texts(talk) == ["one", "1", "two", "2"]
    assert [message.role for message in talk.path()] == ["user", "assistant"] * 2


def test_another_answer_stands_beside_the_first_and_is_shown(empty: Conversation):
    talk = exchanged(empty, "one", "first")
    question, first = talk.path()
    both = talk.plus(second := replied(question, "second"))
    assert texts(both) == ["one", "second"]
    assert both.branches(second) == both.branches(first) == (first, second)


def test_other_words_begin_a_branch_and_the_former_one_stays_in_the_tree(empty: Conversation):
    talk = exchanged(exchanged(empty, "one", "1"), "two", "2")
    edited = talk.plus(asked("zwei", after=talk.path()[1].id))
    assert texts(edited) == ["one", "1", "zwei"]
    assert [message.content for message in edited.messages] == ["one", "1", "two", "2", "zwei"]


def test_a_branch_that_is_shown_again_is_shown_to_its_end(empty: Conversation):
    talk = exchanged(exchanged(empty, "one", "1"), "two", "2")
    other = talk.plus(replied(talk.path()[0], "eins"))
    assert texts(other) == ["one", "eins"]
    assert texts(other.showing(talk.path()[1])) == ["one", "1", "two", "2"]


def test_a_model_reads_the_system_prompt_first_and_none_where_there_is_none(empty: Conversation):
    talk = exchanged(empty, "one", "1")
    said = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "1"}]
    assert talk.read(talk.leaf) == said
    assert replace(talk, system="Be brief.").read(talk.leaf) == [{"role": "system", "content": "Be brief."}, *said]
    assert talk.read(None) == []


def test_what_is_taken_back_is_gone_and_the_rest_is_shown_again(empty: Conversation):
    talk = exchanged(empty, "one", "1")
    longer = exchanged(talk, "two", "2")
    said = {message.id for message in longer.messages} - {message.id for message in talk.messages}
    assert longer.without(said, leaf=talk.leaf).messages == talk.messages


def test_the_first_message_is_the_title_on_one_line_and_cut(empty: Conversation):
    assert exchanged(empty, "a  cat\non a mat", "yes").title == "a cat on a mat"
    assert titled("x" * 61) == "x" * 59 + "…"
    assert titled("x" * 60) == "x" * 60


@pytest.mark.parametrize("named", ["twice", "orphan", "leaf"])
def test_messages_that_make_no_tree_are_refused(empty: Conversation, named: str):
    talk = exchanged(empty, "one", "1")
    question, reply = talk.messages
    changes = {
        "twice": {"messages": (question, reply, reply)},
        "orphan": {"messages": (reply, question)},
        "leaf": {"leaf": "nowhere"},
    }
    with pytest.raises(ValueError, match=reply.id if named != "leaf" else "nowhere"):
        replace(talk, **changes[named])
