"""The command line as a whole: verbs, languages, exit codes, and how fast it starts. No model is loaded here."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from unmask import __version__
from unmask.base.errors import RequestError
from unmask.cli.program import program
from unmask.cli.verb import Verb

VERBS = (
    "pull",
    "list",
    "show",
    "convert",
    "push",
    "chat",
    "generate",
    "fill",
    "score",
    "evaluate",
    "embed",
    "translate",
    "view",
    "serve",
    "bench",
    "train",
)
COMMANDS = [*((verb,) for verb in VERBS if verb != "bench"), ("bench", "serve")]
"""What can be run: a verb, or two."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program(), list(arguments), prog_name="unmask")


def outcome(error: BaseException, *arguments: str) -> Result:
    """What becomes of a verb that raises `error`."""

    def fail(as_json: bool) -> None:
        raise error

    group = program()
    group.add_command(Verb("fail", fail, "", []))
    return CliRunner().invoke(group, list(arguments) or ["fail"], prog_name="unmask")


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"unmask {__version__}\n"


def test_help_lists_every_verb_in_the_order_of_use() -> None:
    listed = re.findall(r"^  ([a-z]+)  ", run("--help").stdout.partition("Commands:")[2], flags=re.MULTILINE)
    assert listed == list(VERBS)


@pytest.mark.parametrize("arguments", [(), ("bench",), *COMMANDS])
def test_in_chinese_every_heading_and_every_explanation_is_chinese(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_LANG", "zh")
    shown = run(*arguments, "--help").stdout
    assert shown.startswith("用法：unmask")
    command: click.Command = program()
    for name in arguments:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    with click.Context(command) as context:
        helps = [command.help, *(getattr(each, "help", "") for each in command.get_params(context) if each.opts)]
    for text in (each for each in helps if each):
        assert re.search("[一-鿿]", text), text
    assert "选项:" in shown
    assert "Show this" not in shown


def test_a_mistyped_verb_is_told_the_nearest_and_all() -> None:
    result = run("srve")
    assert result.exit_code == 2
    assert "There is no verb 'srve'. Did you mean 'serve'?" in result.stderr
    assert ", ".join(VERBS) in result.stderr


def test_a_mistyped_verb_below_another_is_told_those_beside_it() -> None:
    assert "There is no verb 'srve'. Did you mean 'serve'? All verbs: serve." in run("bench", "srve").stderr


def test_a_mistyped_verb_is_told_so_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMASK_LANG", "zh")
    assert "没有命令 'shwo'。您是想用 'show' 吗？" in run("shwo").stderr


def test_a_mistyped_option_is_told_the_nearest() -> None:
    result = run("chat", "--promt", "x")
    assert result.exit_code == 2
    assert "Did you mean '--prompt'?" in result.stderr


@pytest.mark.parametrize("arguments", COMMANDS)
def test_every_verb_can_write_json(arguments: tuple[str, ...]) -> None:
    assert "--json" in run(*arguments, "--help").stdout


def test_an_error_is_one_line_on_stderr_and_exit_code_1() -> None:
    result = outcome(RequestError("The limit is {limit} tokens.", limit=-3))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "unmask: error: The limit is -3 tokens.\n")


@pytest.mark.parametrize("arguments", [("--debug", "fail"), ("fail", "--debug")])
def test_debug_lets_the_traceback_through(arguments: tuple[str, ...]) -> None:
    error = RequestError("The limit is {limit} tokens.", limit=-3)
    assert outcome(error, *arguments).exception is error


def test_ctrl_c_is_quiet_and_exit_code_130() -> None:
    result = outcome(KeyboardInterrupt())
    assert (result.exit_code, result.output.strip()) == (130, "")


def test_an_error_of_ours_is_not_hidden() -> None:
    slip = ZeroDivisionError("a slip")
    assert outcome(slip).exception is slip


def test_help_needs_neither_torch_nor_any_other_heavy_library() -> None:
    source = (
        "import sys, unmask.cli.program as p\n"
        "p.program().main(['chat', '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'tokenizers', 'huggingface_hub', 'jinja2', 'fastapi', 'gradio'}\n"
        "print('heavy:', *sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy:"


def test_a_terminal_that_cannot_show_chinese_gets_question_marks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unmask", "--help"],
        env={"UNMASK_LANG": "zh", "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"???unmask [OPTIONS]")
