"""A chat on a terminal, as a person types it: Chinese and its backspace, pasted lines, Ctrl-C and Ctrl-D."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import unmask
from tests.e2e.terminal import Terminal
from unmask.model import CHAT
from unmask.text.chat import Message

BACKSPACE, CTRL_C, CTRL_D, UP = "\x7f", "\x03", "\x04", "\x1b[A"
ALT_ENTER = "\x1b\r"
SHORT = ("--temperature", "0", "--limit", "4")
"""An answer of four tokens. One without a limit fills a context of thousands."""
LOCALE = ("LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANG")


@contextmanager
def chat(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None, output: Path | None = None
) -> Iterator[Terminal]:
    """An open conversation that asks for a message."""
    terminal = Terminal("chat", "-m", folder, *options, environment=environment, output=output)
    try:
        terminal.wait_for_line("> ")
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.keyboard)


def said(terminal: Terminal, file: Path) -> list[tuple[str, str]]:
    """The role and text of each message so far."""
    terminal.wait_for_line("> ")
    terminal.type(f"/save {file}\r")
    terminal.wait_for("(saved to")
    terminal.wait_for_line("> ")
    return [(each["role"], each["content"]) for each in json.loads(file.read_text("utf-8"))["messages"]]


def test_each_answer_follows_from_all_that_was_said(
    tiny_folder: Path, tiny_model: unmask.Model, tmp_path: Path
) -> None:
    messages: list[Message] = []
    with chat(tiny_folder, *SHORT) as terminal:
        for question in ("Hi", "And you?"):
            terminal.type(f"{question}\r")
            terminal.wait_for("(cut after 4 tokens")
            terminal.wait_for_line("> ")
            messages.append({"role": "user", "content": question})
            answer = tiny_model.chat(messages, sampling=replace(CHAT, temperature=0.0), limit=4).text
            messages.append({"role": "assistant", "content": answer})
        assert said(terminal, tmp_path / "chat.json") == [(each["role"], each["content"]) for each in messages]


@pytest.mark.parametrize("tongue", ["C.UTF-8", "C"])
def test_a_backspace_takes_one_chinese_character_away(tongue: str, tiny_folder: Path, tmp_path: Path) -> None:
    environment = dict.fromkeys(LOCALE, "") | {"LANG": tongue}
    with chat(tiny_folder, *SHORT, environment=environment) as terminal:
        terminal.type("你好")
        terminal.wait_for_line("> 你好")
        terminal.type(BACKSPACE)
        terminal.wait_for_line("> 你")
        assert terminal.screen.column == len("> ") + 2
        terminal.type("们")
        terminal.wait_for_line("> 你们")
        terminal.type("\r")
        assert said(terminal, tmp_path / "chat.json")[0] == ("user", "你们")


def test_pasted_lines_are_one_message(tiny_folder: Path, tmp_path: Path) -> None:
    with chat(tiny_folder, *SHORT) as terminal:
        terminal.type("\x1b[200~第一行\r\n/exit\rthird\x1b[201~")
        terminal.wait_for_line("  third")
        terminal.type("\r")
        (asked, answered) = said(terminal, tmp_path / "chat.json")
    assert asked == ("user", "第一行\n/exit\nthird")
    assert answered[0] == "assistant"


def test_alt_enter_begins_a_new_line(tiny_folder: Path, tmp_path: Path) -> None:
    with chat(tiny_folder, *SHORT) as terminal:
        terminal.type(f"one{ALT_ENTER}two\r")
        terminal.wait_for("(cut after 4 tokens")
        assert said(terminal, tmp_path / "chat.json")[0] == ("user", "one\ntwo")


def test_the_arrow_keys_recall_what_was_typed_and_it_is_kept_nowhere(tiny_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with chat(tiny_folder, *SHORT, environment={"HOME": str(home)}) as terminal:
        terminal.type("猫在哪里\r")
        terminal.wait_for("(cut after")
        terminal.wait_for_line("> ")
        terminal.type(UP)
        terminal.wait_for_line("> 猫在哪里")
        terminal.type(CTRL_C + CTRL_D)
        assert terminal.close() == 0
    assert list(home.iterdir()) == []


def test_ctrl_c_stops_an_answer_and_it_can_be_gone_on_with(tiny_folder: Path, tmp_path: Path) -> None:
    with chat(tiny_folder, "--temperature", "0") as terminal:
        terminal.type("Hello there\r")
        terminal.wait_for_answer()
        terminal.type(CTRL_C)
        shown = terminal.wait_for("^C").rpartition("Hello there")[2].removesuffix("^C").lstrip()
        terminal.wait_for("(stopped; Ctrl-C again leaves)")
        stopped = said(terminal, tmp_path / "stopped.json")
        terminal.type("/continue\r")
        terminal.wait_for_answer()
        terminal.type(CTRL_C)
        terminal.wait_for("(stopped; Ctrl-C again leaves)")
        longer = said(terminal, tmp_path / "longer.json")
    assert stopped[0] == longer[0] == ("user", "Hello there")
    assert stopped[1][1].replace("\n", "\r\n").startswith(shown)
    assert longer[1][1].startswith(stopped[1][1])
    assert len(longer[1][1]) > len(stopped[1][1])


def test_ctrl_c_clears_a_half_typed_message(tiny_folder: Path, tmp_path: Path) -> None:
    with chat(tiny_folder, *SHORT) as terminal:
        terminal.type("half a question")
        terminal.wait_for_line("> half a question")
        terminal.type(CTRL_C)
        terminal.wait_for_line("> ")
        terminal.type("a whole one\r")
        terminal.wait_for("(cut after")
        assert said(terminal, tmp_path / "chat.json")[0] == ("user", "a whole one")


def test_ctrl_c_twice_leaves_with_130_but_not_in_two_answers(tiny_folder: Path) -> None:
    with chat(tiny_folder) as terminal:
        for question in ("One", "Two"):
            terminal.type(f"{question}\r")
            terminal.wait_for_answer()
            terminal.type(CTRL_C)
            terminal.wait_for("(stopped; Ctrl-C again leaves)")
            terminal.wait_for_line("> ")
        terminal.type(CTRL_C)
        assert terminal.close() == 130


@pytest.mark.parametrize("typed", [CTRL_D, "/exit\r"], ids=["ctrl-d", "exit"])
def test_a_chat_can_be_left_with_0(typed: str, tiny_folder: Path) -> None:
    with chat(tiny_folder) as terminal:
        terminal.type(typed)
        assert terminal.close() == 0


def test_a_redirected_output_holds_the_answers_alone(tiny_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.txt"
    with chat(tiny_folder, *SHORT, output=output) as terminal:
        terminal.type("你好\r")
        terminal.wait_for("(cut after")
        messages = said(terminal, tmp_path / "chat.json")
        terminal.type(CTRL_D)
        assert terminal.close() == 0
    assert output.read_text("utf-8") == messages[1][1] + "\n"


def test_a_dumb_terminal_is_enough(tiny_folder: Path, tmp_path: Path) -> None:
    with chat(tiny_folder, *SHORT, environment={"TERM": "dumb"}) as terminal:
        terminal.type("catt\x7f\n")
        terminal.wait_for("(cut after")
        terminal.type("\udcff猫\n")
        terminal.wait_for("(cut after")
        asked = [text for role, text in said(terminal, tmp_path / "chat.json") if role == "user"]
        assert asked == ["cat", "\ufffd猫"]
        terminal.type(CTRL_C)
        terminal.wait_for("Ctrl-C again leaves")
        terminal.type(CTRL_D)
        assert terminal.close() == 0
        assert "\x1b" not in terminal.seen
