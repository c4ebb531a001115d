"""What goes in by standard input and out by standard output and error."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner, Result

from unmask.base.errors import RequestError
from unmask.cli.streams import notice, piped, show_answer, show_json, whole_prompt
from unmask.generation.answer import Piece

PIECES = [
    Piece("Par", None, prompt_tokens=7, tokens=1),
    Piece("", None, prompt_tokens=7, tokens=2),
    Piece("is 巴黎", "stop", prompt_tokens=7, tokens=3),
]


def prompt_of(given: str | None, piped_in: str | bytes) -> Result:
    """The outcome of a command that prints its prompt."""

    @click.command()
    def show() -> None:
        click.echo(whole_prompt(given), nl=False)

    return CliRunner().invoke(show, input=piped_in)


def answer_of(pieces: list[Piece], *, as_json: bool) -> Result:
    @click.command()
    def show() -> None:
        show_answer("tiny", iter(pieces), as_json=as_json)

    return CliRunner().invoke(show)


def test_piped_text_alone_is_the_prompt() -> None:
    assert prompt_of(None, "first\nsecond\n").stdout == "first\nsecond"


def test_piped_text_comes_after_the_given_prompt_and_a_blank_line() -> None:
    assert prompt_of("Summarize", "some notes\n").stdout == "Summarize\n\nsome notes"


def test_an_empty_pipe_leaves_the_given_prompt_alone() -> None:
    assert prompt_of("Hello", "").stdout == "Hello"


def test_no_text_at_all_is_wrong_usage() -> None:
    result = prompt_of(None, "\n")
    assert result.exit_code == 2
    assert "There is no text to work on" in result.stderr


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert prompt_of(None, "\ufeff巴黎\r\n".encode()).stdout == "巴黎"


def test_piped_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with CliRunner().isolation(input=b"abc\xff\xfe"), pytest.raises(RequestError) as caught:
        piped()
    assert "byte 3 is 0xff" in str(caught.value)
    assert "iconv" in str(caught.value)


def test_json_keeps_chinese_readable() -> None:
    with CliRunner().isolation() as (stdout, _, _):
        show_json({"text": "巴黎"})
        shown = stdout.getvalue().decode()
    assert "巴黎" in shown
    assert json.loads(shown) == {"text": "巴黎"}


def test_a_notice_stays_off_standard_output() -> None:
    with CliRunner().isolation() as (stdout, stderr, _):
        notice("loading")
        assert (stdout.getvalue(), stderr.getvalue()) == (b"", b"loading\n")


def test_an_answer_is_its_pieces_and_one_line_end() -> None:
    result = answer_of(PIECES, as_json=False)
    assert (result.stdout, result.stderr) == ("Paris 巴黎\n", "")


def test_an_answer_as_json_is_one_document() -> None:
    assert json.loads(answer_of(PIECES, as_json=True).stdout) == {
        "model": "tiny",
        "text": "Paris 巴黎",
        "finish": "stop",
        "prompt_tokens": 7,
        "tokens": 3,
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_a_cut_answer_is_noticed_beside_the_result(as_json: bool) -> None:
    result = answer_of([Piece("Par", "length", prompt_tokens=7, tokens=41)], as_json=as_json)
    assert "cut after 41 tokens" in result.stderr
    assert "cut after" not in result.stdout
