"""Vectors by the command line: what goes in, the three forms that come out, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file

import unmask
from tests.tiny_encoder import LONGEST, WIDTH
from unmask.cli import embed, streams
from unmask.cli.program import program

TEXTS = ["the capital of france", "a cat sat on the mat .", "猫"]
CLOSE = 1e-5


def run(*arguments: str | Path, piped: str | None = None) -> Result:
    return CliRunner().invoke(program(), ["embed", *(str(each) for each in arguments)], input=piped)


@pytest.fixture(scope="module")
def expected(encoder_model: unmask.Model) -> numpy.ndarray:
    """One at a time, so that nothing of the batch can matter."""
    return numpy.stack([encoder_model.embed(text).numpy() for text in TEXTS])


def test_each_text_becomes_a_json_array_on_a_line(encoder_folder: Path, expected: numpy.ndarray) -> None:
    result = run("-m", encoder_folder, *TEXTS)
    assert (result.exit_code, result.stderr) == (0, "")
    numpy.testing.assert_allclose([json.loads(line) for line in result.stdout.splitlines()], expected, atol=CLOSE)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_of_a_pipe_is_a_text(encoder_folder: Path, expected: numpy.ndarray, ending: str) -> None:
    result = run("-m", encoder_folder, piped=ending.join([*TEXTS, ""]))
    numpy.testing.assert_allclose([json.loads(line) for line in result.stdout.splitlines()], expected, atol=CLOSE)


def test_texts_that_are_given_come_before_a_pipe_which_is_then_not_read(encoder_folder: Path) -> None:
    assert len(run("-m", encoder_folder, "a cat", piped="one\ntwo\n").stdout.splitlines()) == 1


def test_the_numbers_are_whole_float32(encoder_folder: Path, encoder_model: unmask.Model) -> None:
    (line,) = run("-m", encoder_folder, "a cat").stdout.splitlines()
    assert numpy.array_equal(numpy.array(json.loads(line), numpy.float32), encoder_model.embed("a cat").numpy())


def test_as_one_document_it_says_what_was_read(encoder_folder: Path, expected: numpy.ndarray) -> None:
    document = json.loads(run("-m", encoder_folder, "--json", *TEXTS).stdout)
    assert (document["model"], document["texts"], document["dimensions"]) == (str(encoder_folder), 3, WIDTH)
    assert document["tokens"] == [6, 9, 3]
    numpy.testing.assert_allclose(document["embeddings"], expected, atol=CLOSE)


def test_a_file_holds_a_row_a_text_in_their_order(
    encoder_folder: Path, expected: numpy.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH", 2)
    result = run("-m", encoder_folder, "--out", tmp_path / "new" / "texts.npy", piped="\n".join(TEXTS))
    written = numpy.load(tmp_path / "new" / "texts.npy")
    assert (written.dtype, written.shape) == (numpy.float32, (3, WIDTH))
    numpy.testing.assert_allclose(written, expected, atol=CLOSE)
    assert result.stdout == ""
    assert f"Wrote 3 vectors of {WIDTH} numbers to {tmp_path / 'new' / 'texts.npy'}" in result.stderr


def test_with_a_file_the_document_says_where_it_is(encoder_folder: Path, tmp_path: Path) -> None:
    result = run("-m", encoder_folder, "--json", "--out", tmp_path / "v.npy", "a cat")
    about = {"model": str(encoder_folder), "texts": 1, "dimensions": WIDTH, "path": str(tmp_path / "v.npy")}
    assert json.loads(result.stdout) == about


def test_a_folder_is_no_file_to_write(encoder_folder: Path, tmp_path: Path) -> None:
    result = run("-m", encoder_folder, "--out", tmp_path, "a cat")
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr


@pytest.mark.parametrize("as_file", [False, True])
def test_a_text_too_long_is_refused_with_both_numbers_and_nothing_is_written(
    encoder_folder: Path, tmp_path: Path, as_file: bool
) -> None:
    place = ["--out", tmp_path / "v.npy"] if as_file else []
    result = run("-m", encoder_folder, *place, "a cat", "cat " * 60)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        f"Text 2 has 62 tokens and the model reads {LONGEST}. Shorten it by {62 - LONGEST} tokens, divide it, or"
        in result.stderr
    )
    assert "--cut" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_cut_reads_the_beginning_and_says_how_many_were_cut(encoder_folder: Path) -> None:
    fits = "cat " * (LONGEST - 2)
    result = run("-m", encoder_folder, "--cut", fits + "cat", fits, fits + "mat mat")
    first, whole, other = [json.loads(line) for line in result.stdout.splitlines()]
    assert first == pytest.approx(whole, abs=CLOSE)
    assert other == pytest.approx(whole, abs=CLOSE)
    assert f"(2 texts were cut to {LONGEST} tokens)" in result.stderr


def test_cut_says_nothing_if_all_fits(encoder_folder: Path) -> None:
    assert run("-m", encoder_folder, "--cut", "a cat").stderr == ""


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_line_is_refused_by_its_number_before_the_model_is_looked_for(blank: str) -> None:
    result = run("-m", "no/such-model", piped=f"one\n{blank}\nthree\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Text 2 is empty" in result.stderr


def test_no_text_at_all_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "on_terminal", lambda: True)
    result = run()
    assert result.exit_code == 2
    assert "There is no text to work on" in result.stderr


def test_a_model_that_makes_no_vectors_is_one_line(tiny_folder: Path) -> None:
    result = run("-m", tiny_folder, "a cat")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert str(tiny_folder) in result.stderr


def test_pickled_weights_are_read_only_if_allowed(encoder_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(encoder_folder, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    refused = run("-m", folder, "a cat")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "--allow-pickle" in refused.stderr
    assert run("-m", folder, "a cat", "--allow-pickle").stdout == run("-m", encoder_folder, "a cat").stdout
