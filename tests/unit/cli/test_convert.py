"""Where `convert` writes, what it refuses, and what it reports; that the files are right is tests/parity's to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import unmask
from unmask.cli.program import program


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program(), ["convert", *(str(each) for each in arguments)])


def test_a_folder_is_written_and_its_path_is_the_result(tiny_folder: Path, tmp_path: Path) -> None:
    result = run(tiny_folder, tmp_path / "copy")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'copy'}\n")
    assert unmask.load(tmp_path / "copy").parameters == unmask.load(tiny_folder).parameters


@pytest.mark.parametrize(("name", "arguments"), [("model.gguf", ()), ("model.bin", ("--to", "gguf"))])
def test_a_gguf_is_written_if_its_name_or_the_option_says_so(
    tiny_folder: Path, tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    result = run(tiny_folder, tmp_path / name, *arguments, "--json")
    about = {"model": str(tiny_folder), "format": "gguf", "path": str(tmp_path / name), "left_out": []}
    assert json.loads(result.stdout) == about
    assert (tmp_path / name).read_bytes()[:4] == b"GGUF"


def test_what_a_gguf_has_no_place_for_is_named(encoder_folder: Path, tmp_path: Path) -> None:
    result = run(encoder_folder, tmp_path / "encoder.gguf", "--json")
    left_out = json.loads(result.stdout)["left_out"]
    assert "head.out.bias" in left_out
    assert ", ".join(left_out) in result.stderr


def test_a_type_makes_the_file_smaller(tiny_folder: Path, tmp_path: Path) -> None:
    for kind in ("f32", "q8_0"):
        assert run(tiny_folder, tmp_path / f"{kind}.gguf", "--type", kind).exit_code == 0
    assert (tmp_path / "q8_0.gguf").stat().st_size < (tmp_path / "f32.gguf").stat().st_size


def test_dtype_chooses_a_folders_numbers(tiny_folder: Path, tmp_path: Path) -> None:
    assert run(tiny_folder, tmp_path / "half", "--dtype", "bfloat16").exit_code == 0
    assert unmask.load(tmp_path / "half").dtype == "bfloat16"


def test_what_is_there_is_kept_unless_forced(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "old.gguf").write_text("old")
    for place in (tmp_path, tmp_path / "old.gguf"):
        result = run(tiny_folder, place)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"There is something at {place} already" in result.stderr
        assert "--force" in result.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["notes.txt", "old.gguf"]
    assert run(tiny_folder, tmp_path / "old.gguf", "--force").exit_code == 0
    assert (tmp_path / "old.gguf").read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize("arguments", [("--to", "gguf"), ("--to", "hub")])
def test_a_place_of_the_wrong_kind_is_refused_before_the_model_is_looked_for(
    tmp_path: Path, arguments: tuple[str, str]
) -> None:
    place = tmp_path if "gguf" in arguments else tmp_path / "file"
    (tmp_path / "file").write_text("x")
    result = run("no/such-model", place, *arguments, "--force")
    assert result.exit_code == 1
    assert str(place) in result.stderr
    assert "is a folder" in result.stderr or "is a file" in result.stderr


def test_a_type_for_a_folder_is_wrong_usage(tmp_path: Path) -> None:
    result = run("no/such-model", tmp_path / "out", "--type", "q8_0")
    assert result.exit_code == 2
    assert "--type is for GGUF files" in result.stderr
    assert "--dtype" in result.stderr


def test_without_a_place_it_says_how_to_give_one() -> None:
    result = run("no/such-model")
    assert result.exit_code == 2
    assert "unmask convert MODEL OUT" in result.stderr
    assert "--report" in result.stderr


def test_a_report_lists_every_tensor_and_writes_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    with safe_open(tiny_folder / "model.safetensors", "pt") as file:
        names = set(file.keys())
    document = json.loads(run(tiny_folder, tmp_path / "out", "--report", "--json").stdout)
    assert set(document["used"]) | set(document["ignored"]) == names
    lines = run(tiny_folder, "--report").stdout.splitlines()
    assert {line.split()[-1] for line in lines[:-1]} == names
    assert lines[-1] == f"{len(document['used'])} used, {len(document['ignored'])} ignored"
    assert not (tmp_path / "out").exists()


def test_a_folder_can_be_written_in_few_bits(tiny_folder: Path, tmp_path: Path) -> None:
    assert run(tiny_folder, tmp_path / "few", "--quantize", "int4-32").exit_code == 0
    assert unmask.load(tmp_path / "few").dtype == "int4-32"


def test_a_gguf_takes_its_format_from_its_own_option(tiny_folder: Path, tmp_path: Path) -> None:
    result = run(tiny_folder, tmp_path / "few.gguf", "--quantize", "int8")
    assert result.exit_code == 2
    assert "choose a GGUF file's format with --type" in result.stderr


def test_a_calibrated_folder_holds_few_bits_and_loads_as_it_is(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat, and the dog on the log. " * 200)
    options = ("--quantize", "int4-32", "--calibrate", "awq", "--text", tmp_path / "text.txt")
    assert run(tiny_folder, tmp_path / "small", *options).exit_code == 0
    plain = run(tiny_folder, tmp_path / "plain", "--quantize", "int4-32")
    assert plain.exit_code == 0
    assert unmask.load(tmp_path / "small").quantization == "int4-32"
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("small", "plain")]
    assert weights[0] != weights[1]


def test_a_calibration_without_a_text_or_a_scheme_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    alone = run(tiny_folder, tmp_path / "out", "--quantize", "int4", "--calibrate", "gptq")
    assert alone.exit_code == 2
    assert "--calibrate and --text go together" in alone.stderr
    (tmp_path / "text.txt").write_text("a text")
    exact = run(tiny_folder, tmp_path / "out", "--calibrate", "gptq", "--text", tmp_path / "text.txt")
    assert exact.exit_code == 2
    assert "give --quantize int4" in exact.stderr


def test_too_short_a_text_to_calibrate_on_is_refused_with_both_lengths(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("short")
    options = ("--quantize", "int4", "--calibrate", "awq", "--text", tmp_path / "text.txt")
    result = run(tiny_folder, tmp_path / "out", *options)
    assert result.exit_code == 1
    assert "Calibration needs a text of at least" in result.stderr
