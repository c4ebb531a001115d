"""How a text is judged from the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import unmask
from unmask.cli.program import program

TEXT = "The quick brown fox jumps over the lazy dog. 云雾山中的小屋里住着一只猫。\n" * 6


def run(*arguments: str | Path | int, piped: str | None = None) -> Result:
    return CliRunner().invoke(program(), [str(each) for each in arguments], input=piped, prog_name="unmask")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def other(tiny_model: unmask.Model, tmp_path: Path) -> Path:
    """The same model, rounded to bfloat16."""
    unmask.load(tiny_model.name, dtype="bfloat16").save(tmp_path / "other")
    return tmp_path / "other"


def test_the_second_halves_of_windows_count(tiny_folder: Path, tiny_model: unmask.Model, file: Path):
    ids = tiny_model.tokenizer.encode(TEXT).ids
    found = json.loads(run("evaluate", tiny_folder, file, "--window", 16, "--json").stdout)
    assert found["tokens"] == len(ids) // 16 * 7
    assert (found["window"], found["stride"], found["weights"]) == (16, None, "float32")
    one = json.loads(run("evaluate", tiny_folder, file, "--window", len(ids), "--json").stdout)
    loss = -sum(value for value in tiny_model.score(TEXT).logprobs[len(ids) // 2 + 1 :] if value)
    assert one["perplexity"] == pytest.approx(math.exp(loss / one["tokens"]), rel=1e-4)


def test_with_a_stride_all_but_the_first_token_count(tiny_folder: Path, tiny_model: unmask.Model, file: Path):
    found = json.loads(run("evaluate", tiny_folder, file, "--window", 16, "--stride", 4, "--json").stdout)
    assert found["tokens"] == len(tiny_model.tokenizer.encode(TEXT).ids) - 1


def test_a_text_may_be_piped_in(tiny_folder: Path, file: Path):
    piped = run("evaluate", tiny_folder, "-", "--window", 16, piped=TEXT)
    assert piped.stdout == run("evaluate", tiny_folder, file, "--window", 16).stdout
    assert piped.stdout.startswith("perplexity  ")


def test_against_another_model_both_are_told_apart(
    tiny_folder: Path, other: Path, file: Path, tiny_model: unmask.Model
):
    found = json.loads(run("evaluate", other, file, "--against", tiny_folder, "--window", 16, "--json").stdout)
    alone = json.loads(run("evaluate", tiny_folder, file, "--window", 16, "--json").stdout)
    assert found["reference_perplexity"] == pytest.approx(alone["perplexity"])
    assert found["ratio"] == pytest.approx(found["perplexity"] / found["reference_perplexity"])
    assert 0 < found["divergence_mean"] < found["divergence_p99"] < 0.01
    assert 0.9 < found["same_top_5"] <= 1
    lines = run("evaluate", other, file, "--against", tiny_folder, "--window", 16).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["perplexity", "reference", "divergence", "agreement"]


def test_a_quantized_model_is_compared_with_its_exact_weights(tiny_folder: Path, file: Path):
    exact = json.loads(run("evaluate", tiny_folder, file, "--window", 16, "--json").stdout)
    found = json.loads(run("evaluate", tiny_folder, file, "--window", 16, "--quantize", "int8", "--json").stdout)
    assert (found["weights"], found["against"]) == ("int8", str(tiny_folder))
    assert found["reference_perplexity"] == pytest.approx(exact["perplexity"])
    assert found["perplexity"] != exact["perplexity"]
    assert 0 < found["divergence_mean"] < 0.01


def test_in_chinese_too(tiny_folder: Path, other: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    lines = run("evaluate", other, file, "--against", tiny_folder, "--window", 16).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["困惑度", "参照", "散度", "一致"]


def test_a_model_that_spells_the_text_otherwise_is_refused(tiny_folder: Path, smollm2: Path, file: Path):
    result = run("evaluate", tiny_folder, file, "--against", smollm2, "--window", 16)
    assert result.exit_code == 1
    assert "do not spell this text in the same tokens" in result.stderr
    assert str(smollm2) in result.stderr


def test_an_encoder_is_refused(encoder_folder: Path, file: Path):
    result = run("evaluate", encoder_folder, file, "--window", 16)
    assert result.exit_code == 1
    assert "is an encoder" in result.stderr
