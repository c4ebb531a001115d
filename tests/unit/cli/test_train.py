"""What `train` tells without training, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from unmask.cli.program import program
from unmask.cli.train import duration
from unmask.recipes.shelf import RECIPES, recipe


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program(), ["train", *map(str, arguments)], prog_name="unmask")


def test_without_a_name_the_recipes_are_listed():
    lines = run("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert lines[0].endswith("  Learn to write from any text: a GPT that says each next token.")
    assert json.loads(run("--json").stdout).keys() == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_knob_of_every_recipe_says_what_it_is_for(name: str):
    knobs = json.loads(run(name, "--list", "--json").stdout)
    assert len(knobs) > 30
    assert [each["name"] for each in knobs if not each["about"] or not each["kind"]] == []


def test_knobs_are_shown_as_they_would_be_set():
    shown = run("pretrain_gpt", "--list").stdout
    assert re.search(r"^depth=4 +The one dial: layers; the width goes with it\. \(a whole number\)$", shown, re.M)
    assert re.search(r"^clip=1\.0 .*\(a number or none\)$", shown, re.M)


def test_in_chinese_every_knob_is_explained_in_chinese(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    for name in RECIPES:
        for each in json.loads(run(name, "--list", "--json").stdout):
            assert re.search("[一-鿿]", each["about"]), each
    assert "学习写作" in run("--list").stdout


@pytest.mark.parametrize(("dtype", "each"), [("float32", 4), ("bfloat16", 6)])
@pytest.mark.parametrize("name", RECIPES)
def test_a_plan_tells_figures_that_add_up(name: str, dtype: str, each: int):
    plan = json.loads(run(name, "--plan", "--json", "--set", "steps=7", "--set", f"dtype={dtype}").stdout)
    parts = ("weights", "gradients", "optimizer", "activations", "runtime")
    assert plan["memory"] == sum(plan[part] for part in parts)
    assert plan["weights"] == each * plan["parameters"]
    assert plan["flops"] > 6 * 7 * plan["parameters"]


def test_the_translators_recipe_is_found_by_its_other_name_too():
    assert recipe("pretrain_seq2seq") is recipe("translate")


def test_a_plan_is_a_table_too():
    shown = run(
        "pretrain_gpt", "--plan", "--set", "size=gpt2", "--set", "tokenizer=bytes", "--set", "vocab=50257"
    ).stdout
    assert re.search(r"^parameters +123,702,528$", shown, re.M)  # GPT-2 with 64 positions in place of 1,024
    assert re.search(r"^time here, about +\d+:\d\d:\d\d$", shown, re.M)
    assert re.search(r"^The time is for 40% of the [\d,]+ GFLOP/s", shown, re.M)


def test_a_copy_is_the_recipe_and_runs_as_a_program(tmp_path: Path):
    copied = run("pretrain_gpt", "--copy", "--out", tmp_path)
    path = tmp_path / "pretrain_gpt.py"
    assert copied.stdout == f"{path}\n"
    own = 'extra: int = 5\n    """Mine."""\n    family: Literal["gpt1'
    path.write_text(path.read_text().replace('family: Literal["gpt1', own))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, path, "--list"], capture_output=True, text=True, env=environment)
    assert re.search(r"^extra=5 +Mine\. \(a whole number\)$", done.stdout, re.M), done.stderr


def test_a_copy_writes_over_nothing(tmp_path: Path):
    run("pretrain_glm", "--copy", "--out", tmp_path)
    again = run("pretrain_glm", "--copy", "--out", tmp_path)
    assert again.exit_code == 1
    assert f"{tmp_path}/pretrain_glm.py is there already." in again.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["pretrain_gtp"],
            "There is no recipe 'pretrain_gtp'. Did you mean 'pretrain_gpt'? All recipes: pretrain_gpt, ",
        ),
        (["mine.py"], "There is no file mine.py. Make one with: unmask train NAME --copy"),
        (["pretrain_gpt"], "There is no text to learn from. Name some: unmask train pretrain_gpt --data FILE"),
        (["pretrain_gpt", "--set", "dpeth=3"], "There is no knob 'dpeth'. Did you mean 'depth'?"),
        (["pretrain_gpt", "--plan", "--set", "rate=-1"], "The learning rate is -1.0; it must be above 0."),
        (["pretrain_gpt", "--plan", "--set", "size=gtp2"], "Unknown size 'gtp2'"),
        (["pretrain_bert", "--data", "nothing.txt"], "There is no file or folder nothing.txt."),
        (
            ["translate", "--data", "a.txt"],
            "from plain files two by two, whose lines belong together; there are 1 plain",
        ),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], told: str):
    result = run(*arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_script_that_is_no_recipe_is_refused(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text("def run(): ...\n")
    assert f"{path} is no recipe: it has no Knobs, plan." in run(path).stderr


def test_durations_are_hours_minutes_and_seconds():
    assert [duration(each) for each in (0.4, 61, 3600 * 1234 + 5)] == ["0:00:00", "0:01:01", "1,234:00:05"]
