"""What `chat` and `generate` refuse before any model is loaded."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from unmask.cli import streams, talk
from unmask.cli.program import program


@pytest.mark.parametrize("verb", ["chat", "generate"])
@pytest.mark.parametrize(
    ("option", "value", "shown"), [("--temperature", "-1", "temperature is -1.0"), ("--top-p", "1.5", "top_p is 1.5")]
)
def test_a_setting_out_of_range_is_refused_before_the_model_is_looked_for(
    verb: str, option: str, value: str, shown: str
) -> None:
    result = CliRunner().invoke(program(), [verb, "-m", "no/such-model", option, value], input="Hi")
    assert result.exit_code == 1
    assert shown in result.stderr


def test_a_setting_of_the_wrong_kind_is_wrong_usage() -> None:
    result = CliRunner().invoke(program(), ["chat", "--top-k", "many"], input="Hi")
    assert result.exit_code == 2
    assert "'many' is not a valid integer" in result.stderr


def test_an_unknown_dtype_is_wrong_usage_and_lists_those_there_are() -> None:
    result = CliRunner().invoke(program(), ["chat", "--dtype", "float8"], input="Hi")
    assert result.exit_code == 2
    assert "'float32', 'bfloat16', 'float16'" in result.stderr


def test_a_conversation_cannot_be_one_json_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "on_terminal", lambda: True)
    result = CliRunner().invoke(program(), ["chat", "--json"])
    assert result.exit_code == 2
    assert "--json needs its prompt at once" in result.stderr


@pytest.mark.parametrize("verb", ["generate", "score"])
def test_a_terminal_is_not_read_as_a_pipe(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "on_terminal", lambda: True)
    result = CliRunner().invoke(program(), [verb], input="never read")
    assert result.exit_code == 2
    assert "There is no text to work on" in result.stderr
