"""The commands of a conversation; what needs a model's answer is in tests/e2e/test_cli.py."""

from __future__ import annotations

import pytest

from unmask.cli.conversation import Conversation
from unmask.generation.sampling import Sampling
from unmask.text.chat import Message

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Hi"}


def conversation(*messages: Message) -> Conversation:
    """A conversation whose model is never asked."""
    return Conversation(None, list(messages), sampling=Sampling(), limit=None, stop=())  # type: ignore[arg-type]


def test_clear_forgets_all_but_the_instructions() -> None:
    chat = conversation(SYSTEM, USER)
    chat.take("/clear")
    assert chat.messages == [SYSTEM]


def test_system_starts_anew_with_other_instructions() -> None:
    chat = conversation(SYSTEM, USER)
    chat.take("/system Answer in French.")
    assert chat.messages == [{"role": "system", "content": "Answer in French."}]


def test_system_alone_takes_the_instructions_away() -> None:
    chat = conversation(SYSTEM, USER)
    chat.take("/system")
    assert chat.messages == []


def test_a_mistyped_command_is_told_the_nearest_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    chat = conversation(USER)
    chat.take("/claer")
    shown = capsys.readouterr()
    assert "There is no /claer. Did you mean /clear?" in shown.err
    assert shown.out == ""
    assert chat.messages == [USER]


def test_an_empty_line_asks_nothing() -> None:
    chat = conversation(USER)
    chat.take("")
    assert chat.messages == [USER]
