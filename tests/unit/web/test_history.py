"""What the page makes of its own messages."""

from __future__ import annotations

from unmask.web.history import plain

HISTORY = [
    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    {"role": "assistant", "content": "Good day"},
]


def test_messages_in_parts_and_in_text_are_read_alike():
    assert plain(HISTORY, "") == [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]


def test_a_system_prompt_comes_first_and_a_blank_one_not_at_all():
    assert plain(HISTORY, " Be brief. ")[0] == {"role": "system", "content": "Be brief."}
    assert plain(HISTORY, " \n") == plain(HISTORY, "")
