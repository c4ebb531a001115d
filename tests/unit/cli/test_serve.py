"""`unmask serve`: what can be said, and what cannot be said together."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from click.testing import CliRunner

from unmask.base.errors import ServerError
from unmask.cli.program import program
from unmask.cli.serve import LIMITS, limit_options, page_wanted
from unmask.server.limits import Limits


@pytest.mark.parametrize(
    ("page", "with_keys", "wanted"), [(None, False, True), (None, True, False), (False, True, False)]
)
def test_the_page_is_there_unless_keys_are(page: bool | None, with_keys: bool, wanted: bool):
    assert page_wanted(page, with_keys=with_keys) is wanted


def test_a_page_that_is_asked_for_beside_keys_is_refused():
    with pytest.raises(ServerError, match="alone, and keys are for others"):
        page_wanted(True, with_keys=True)


def test_the_help_says_each_limit_as_it_is():
    told = {field.name: field.default for field in fields(Limits) if field.name in LIMITS}
    for option in limit_options():
        said = re.search(r"else ([\d.]+)\.$", option.help)
        assert (said and float(said[1])) == told.pop(option.name)
    assert not told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-body", "0"], "body is 0; it must be more than 0"),
        (["--idle-time", "-1"], "idle_seconds is -1.0; it must be more than 0"),
        (["--keys", "/nowhere/absent"], "absent: the keys cannot be read"),
        (["--host", "0.0.0.0"], "Will not listen on '0.0.0.0'"),
        (["no-such-model"], "No model is called 'no-such-model'"),
    ],
)
def test_what_cannot_be_is_said_before_a_model_is_loaded(arguments: list[str], said: str):
    ended = CliRunner().invoke(program(), ["serve", "--port", "0", *arguments])
    assert ended.exit_code == 1
    assert said in ended.output
