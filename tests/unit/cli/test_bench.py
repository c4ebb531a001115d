"""A server measured from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import unmask
from tests.unit.server.live import serving
from unmask.cli.program import program
from unmask.server.keys import read_keys

SMALL = ("--requests", "3", "--prompt-tokens", "300", "--answer-tokens", "4")


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program(), ["bench", "serve", *map(str, arguments)], prog_name="unmask")


@pytest.fixture(scope="module")
def url(tiny_model: unmask.Model) -> Iterator[str]:
    with serving(tiny_model) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


def test_a_table_has_a_column_for_each_load_and_a_line_for_each_figure(url: str) -> None:
    head, *lines = bench("--url", url, *SMALL, "--concurrency", 2, "--rate", 500).stdout.splitlines()
    assert head.split() == ["2", "at", "once", "500", "a", "second"]
    figures = {name: values for name, *values in (re.split(" {2,}", line) for line in lines)}
    assert figures["requests"] == ["3", "3"]
    assert figures["prompts known before"][1].endswith("%")
    assert "good answers a second" not in figures
    assert [name for name in figures if name.startswith("first text")] == [
        f"first text, ms p{share}" for share in (50, 95, 99)
    ]
    for name in ("tokens read a second", "tokens written a second", "requests a second"):
        assert all(float(value.replace(",", "")) > 0 for value in figures[name])


def test_goals_add_the_answers_that_kept_them(url: str) -> None:
    shown = bench("--url", url, *SMALL, "--concurrency", 3, "--goal-first", "0.001").stdout
    assert shown.splitlines()[-2].split() == ["good", "answers", "a", "second", "0.00"]


def test_its_json_has_the_loads_with_all_figures(url: str, tiny_model: unmask.Model) -> None:
    found = json.loads(bench("--url", url, *SMALL, "--goal-between", "1e6", "--json").stdout)
    assert (found["model"], found["prompt_tokens"], found["answer_tokens"]) == (tiny_model.name, 300, 4)
    assert found["goals"] == {"first": None, "between": 1000.0}
    assert [load["together"] for load in found["loads"]] == [1, 8]
    for load in found["loads"]:
        assert (load["requests"], load["faults"], load["rate"] > 0) == (3, {}, True)
        assert load["good_rate"] == load["request_rate"]


def test_prompts_are_cut_from_a_text(url: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("云雾山中 " * 40, encoding="utf-8")
    assert bench("--url", url, *SMALL, "--text", tmp_path / "text").exit_code == 0


def test_refusals_are_counted_by_kind(url: str) -> None:
    shown = bench("no-such-model", "--url", url, *SMALL)
    assert shown.exit_code == 1
    assert "did not answer a first request: 404 model_not_found." in shown.stderr


def test_a_key_is_taken_from_the_environment(tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tiny_model, keys=read_keys(None, {"UNMASK_KEYS": "a-key-of-mine"})) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        assert "has no list of models" in bench("--url", url, *SMALL).stderr
        monkeypatch.setenv("UNMASK_KEY", "a-key-of-mine")
        assert bench("--url", url, *SMALL).exit_code == 0


def test_a_text_without_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text(" \n")
    assert f"{tmp_path / 'text'} has no words in it" in bench("--text", tmp_path / "text").stderr


def test_a_server_that_has_its_model_cannot_be_told_to_quantize_it() -> None:
    assert "leave --quantize out" in bench("--url", "http://127.0.0.1:1/v1", "--quantize", "int8").stderr


def test_without_an_address_the_model_is_served_here(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMASK_KEYS", "keys-of-another-server")
    found = json.loads(bench(tiny_folder, *SMALL, "--concurrency", 2, "--quantize", "int8", "--json").stdout)
    assert (found["model"], found["loads"][0]["faults"]) == (str(tiny_folder), {})


def test_a_model_that_cannot_be_served_ends_it() -> None:
    result = bench("no-such-model", *SMALL)
    assert result.exit_code == 1
    assert "no-such-model could not be served" in result.stderr
