"""A translator by the command line: a line out for each line in, whatever the line is, and a look inside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import unmask
from tests.tiny_translator import german
from unmask.cli.program import program

LINES = ["a red house", "no old horse and a child", "big book"]


def run(*arguments: str | Path, piped: str | bytes | None = None) -> Result:
    return CliRunner().invoke(program(), [str(each) for each in arguments], input=piped, prog_name="unmask")


def said(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.split("\n")[:-1]


def test_every_line_in_is_a_line_out(translator_folder: Path, tmp_path: Path):
    long = "a red house and " * 2500
    lines = [LINES[0], "", long, "   ", "\u96ea\u2603\u2028\u0436", "big\tbook\r", LINES[2]]
    path = tmp_path / "in.txt"
    path.write_bytes("\n".join(lines).encode())
    done = run("translate", translator_folder, path, "--beams", "1")
    found = said(done)
    assert len(found) == len(lines)
    assert [found[0], found[6]] == [german(LINES[0]), german(LINES[2])]
    assert found[1] == found[3] == ""
    assert "Haus" in found[2]
    assert "line 3 has 1" in done.stderr
    assert "translated in" in done.stderr


def test_a_pipe_is_translated_by_the_likeliest_of_several(translator_folder: Path):
    done = run("translate", translator_folder, "--beams", "3", "--length-penalty", "0.8", piped=LINES[0] + "\n")
    assert said(done) == [german(LINES[0])]


def test_drawn_by_chance_the_same_seed_gives_the_same(translator_folder: Path):
    drawn = [
        said(run("translate", translator_folder, "--temperature", "2", "--seed", seed, piped="\n".join(LINES)))
        for seed in ("1", "1", "2")
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_file_is_there_when_it_is_whole(translator_folder: Path, tmp_path: Path):
    out = tmp_path / "out.txt"
    assert said(run("translate", translator_folder, "--out", out, piped=f"{LINES[0]}\n\n")) == []
    assert out.read_text(encoding="utf-8") == f"{german(LINES[0])}\n\n"


def test_json_has_the_hypotheses_with_the_best_first(translator_folder: Path):
    done = run("translate", translator_folder, "--json", "--best", "3", piped=f"{LINES[0]}\n")
    (line,) = json.loads(done.stdout)["lines"]
    scores = [each["score"] for each in line["hypotheses"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert line["text"] == line["hypotheses"][0]["text"] == german(LINES[0])


def test_an_alignment_is_between_the_words_of_both_lines(translator_folder: Path, tmp_path: Path):
    out = tmp_path / "alignment.svg"
    done = run("view", "alignment", translator_folder, LINES[0], "--out", out, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["source_words"][:3] == LINES[0].split()
    assert found["target_words"][:3] == german(LINES[0]).split()
    # To a tenth of a thousandth each.
    assert all(sum(row) == pytest.approx(1.0, abs=1e-3) for row in found["weights"])
    assert ElementTree.parse(out).getroot().tag.endswith("svg")


def test_a_translation_of_ones_own_is_aligned_instead(translator_folder: Path):
    done = run("view", "alignment", translator_folder, LINES[0], "ein Buch", "--layer", "0", "--head", "3", "--json")
    found = json.loads(done.stdout)
    assert (found["target"], found["layer"], found["head"]) == ("ein Buch", 0, 3)


def test_what_its_makers_force_at_the_end_is_forced(translator: unmask.Translator):
    (end,) = translator.loaded.ends
    forcing = replace(translator.loaded, advice={"forced_eos_token_id": end, "num_beams": 2, "length_penalty": 0.5})
    made = unmask.Translator("forcing", forcing)
    assert (made.search.beams, made.search.length_penalty) == (2, 0.5)
    assert translator.translate(LINES[1], limit=2).finish == "length"
    assert made.translate(LINES[1], limit=2).finish == "stop"


def test_a_model_that_writes_is_told_from_a_translator(translator_folder: Path):
    with pytest.raises(unmask.UnmaskError, match="unmask translate"):
        unmask.load(translator_folder)
    done = run("generate", "a red house", "-m", translator_folder)
    assert done.exit_code == 1
    assert "unmask translate" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--beams", "2", "--temperature", "1"), "leave out one of them"),
        (("--best", "2"), "only told with --json"),
    ],
)
def test_what_does_not_go_together_is_said_at_once(translator_folder: Path, arguments: tuple[str, ...], words: str):
    done = run("translate", translator_folder, *arguments, piped="x\n")
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_line_that_is_no_text_is_named(translator_folder: Path):
    done = run("translate", translator_folder, "--beams", "1", piped=b"a house\n\xff\xfe\n")
    assert done.exit_code == 1
    assert "line 2: not UTF-8" in done.stderr


def test_a_file_that_is_not_there_is_named(translator_folder: Path, tmp_path: Path):
    done = run("translate", translator_folder, tmp_path / "none.txt")
    assert done.exit_code == 1
    assert "none.txt" in done.stderr
