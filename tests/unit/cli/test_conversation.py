"""The commands of a conversation, with a tiny model to answer; the keyboard is in tests/e2e/test_terminal.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import unmask
from unmask.cli.conversation import Conversation
from unmask.generation.sampling import Sampling
from unmask.text.chat import Message

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello."}


def conversation(
    *messages: Message, model: unmask.Model | None = None, temperature: float = 0.0, limit: int = 8
) -> Conversation:
    """A conversation so far; without a model, one that is never asked."""
    sampling = Sampling(temperature=temperature, seed=1)
    return Conversation(model, list(messages), sampling=sampling, limit=limit, stop=())  # type: ignore[arg-type]


def test_clear_forgets_all_but_the_instructions() -> None:
    chat = conversation(SYSTEM, USER)
    chat.take("/clear")
    assert chat.messages == [SYSTEM]


@pytest.mark.parametrize("typed", ["/system Answer in French.", "/system\n  Answer in French."])
def test_system_starts_anew_with_other_instructions(typed: str) -> None:
    chat = conversation(SYSTEM, USER)
    chat.take(typed)
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


@pytest.mark.parametrize("text", ["/usr/bin/env", "// a comment", "/* two\nlines */", "/清空"])
def test_what_only_begins_like_a_command_is_a_message(text: str, tiny_model: unmask.Model) -> None:
    chat = conversation(model=tiny_model, limit=1)
    chat.take(text)
    assert chat.messages[0] == {"role": "user", "content": text}


def test_an_empty_line_asks_nothing() -> None:
    chat = conversation(USER)
    chat.take("")
    assert chat.messages == [USER]


def test_what_cannot_be_answered_is_told_and_not_kept(
    tiny_model: unmask.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = conversation(USER, ANSWER, model=tiny_model)
    chat.take("word " * tiny_model.context)
    assert "unmask: error: " in (told := capsys.readouterr().err)
    assert str(tiny_model.context) in told
    assert chat.messages == [USER, ANSWER]


def test_another_answer_takes_the_place_of_the_last(tiny_model: unmask.Model) -> None:
    chat = conversation(model=tiny_model, temperature=1.0, limit=24)
    chat.take("Hi")
    _, first = chat.messages
    chat.take("/retry")
    asked, second = chat.messages
    assert asked == USER
    assert second["role"] == "assistant"
    assert second != first


def test_another_answer_is_not_the_same_one_where_the_chat_is_greedy(
    tiny_model: unmask.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = conversation(model=tiny_model, limit=24)
    chat.take("Hi")
    _, first = chat.messages
    chat.take("/retry")
    assert "at temperature 0.7" in capsys.readouterr().err
    assert chat.messages[1] != first


def test_an_answer_that_was_cut_can_be_gone_on_with(tiny_model: unmask.Model) -> None:
    chat = conversation(model=tiny_model, limit=4)
    chat.take("Hi")
    _, cut = chat.messages
    chat.take("/continue")
    so_far = f"<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n{cut['content']}"
    assert chat.messages == [USER, {**cut, "content": cut["content"] + tiny_model.generate(so_far, limit=4).text}]


@pytest.mark.parametrize("command", ["/retry", "/continue"])
@pytest.mark.parametrize("messages", [[], [SYSTEM]])
def test_without_an_answer_there_is_nothing_to_go_on_with(
    command: str, messages: list[Message], capsys: pytest.CaptureFixture[str]
) -> None:
    chat = conversation(*messages)
    chat.take(command)
    assert "there is no answer yet" in capsys.readouterr().err
    assert chat.messages == messages


def test_a_conversation_is_saved_as_json_and_over_its_own_file_again(
    tmp_path: Path, tiny_model: unmask.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my chat.json"
    chat = conversation(USER, ANSWER, model=tiny_model)
    chat.take(f"/save {file}")
    assert f"saved to {file}" in capsys.readouterr().err
    assert json.loads(file.read_text("utf-8")) == {"model": tiny_model.name, "messages": [USER, ANSWER]}
    chat.take("/clear")
    chat.take(f"/save {file}")
    assert json.loads(file.read_text("utf-8"))["messages"] == []


def test_saving_knows_the_home_folder(
    tmp_path: Path, tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    conversation({"role": "user", "content": "你好"}, model=tiny_model).take("/save ~/chat.json")
    assert "你好" in (tmp_path / "chat.json").read_text("utf-8")


def test_saving_writes_over_no_other_file(
    tmp_path: Path, tiny_model: unmask.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ann")
    conversation(USER, model=tiny_model).take(f"/save {file}")
    assert f"There is something at {file} already. Name another file." in capsys.readouterr().err
    assert file.read_text() == "Dear Ann"


def test_saving_without_a_name_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    conversation(USER).take("/save")
    assert "Say to which file: /save FILE" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["file/chat.json", "x" * 300])
def test_a_place_that_cannot_be_written_does_not_end_the_chat(
    place: str, tmp_path: Path, tiny_model: unmask.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    chat = conversation(USER, model=tiny_model)
    chat.take(f"/save {tmp_path}/{place}")
    assert f"unmask: error: Cannot write {tmp_path}/{place}" in capsys.readouterr().err
    assert chat.saved is None


@pytest.mark.parametrize(
    ("tongue", "shown"), [("en", "answers your last message anew"), ("zh", "重新回答您的上一条消息")]
)
def test_help_lists_every_command_in_the_users_language(
    tongue: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNMASK_LANG", tongue)
    conversation().take("/help")
    lines = capsys.readouterr().err.splitlines()
    listed = [line.split()[0] for line in lines]
    assert listed == ["/retry", "/continue", "/clear", "/system", "/save", "/help", "/exit"]
    assert shown in lines[0]
