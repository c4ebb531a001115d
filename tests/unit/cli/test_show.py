"""`show` and its tables; no weight is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from safetensors import safe_open

from unmask.cli.program import program
from unmask.cli.show_memory import table as memory_table
from unmask.cli.table import columns
from unmask.families.memory import Plan

PLAN = Plan(
    dtype="float32",
    context=2048,
    users=3,
    weights=538_000_000,
    file=98_000_000,
    cache=94_000_000,
    work=65_000_000,
    runtime=273_000_000,
    loading=906_000_000,
    free=900_000_000,
    longest=None,
)


def run(*arguments: str | Path, piped: str = "") -> Result:
    return CliRunner().invoke(program(), ["show", *map(str, arguments)], input=piped, prog_name="unmask")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("Hi fox\n云雾\n", encoding="utf-8")
    return path


@pytest.fixture
def hollow(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model with a weight file that ends where its weights begin: any read of one would fail."""
    folder = tmp_path / "hollow"
    folder.mkdir()
    for each in tiny_folder.iterdir():
        (folder / each.name).write_bytes(each.read_bytes())
    weights = folder / "model.safetensors"
    size = weights.stat().st_size
    with weights.open("r+b") as stream:
        header = 8 + int.from_bytes(stream.read(8), "little")
        stream.truncate(header)
        stream.truncate(size)  # a hole, which reads as zeros
    return folder


def test_facts_come_from_the_headers_alone(hollow: Path, tiny_folder: Path) -> None:
    shown = json.loads(run(hollow, "--json").stdout)
    with safe_open(tiny_folder / "model.safetensors", "pt") as weights:
        count = sum(weights.get_tensor(name).numel() for name in weights.offset_keys())
    assert shown["parameters"] == count
    assert (shown["architecture"], shown["dtype"], shown["template"]) == ("llama", "float32", True)
    assert shown["spec"]["width"] == 32


def test_the_table_has_a_row_for_each_script_that_occurs(tiny_folder: Path, texts: Path) -> None:
    lines = run(tiny_folder, "--tokens", texts).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "",
        "Chinese",
        "English and other Latin",
        "all",
        "2 lines; the context holds 4,096 tokens",
    ]
    assert lines[3].split()[:2] == ["all", "10"]


def test_as_json_the_counts_are_exact_and_the_price_is_per_million(tiny_folder: Path, texts: Path) -> None:
    shown = json.loads(
        run(tiny_folder, "--tokens", texts, "--tokens", "-", "--price", "2000", "--json", piped="Hi").stdout
    )
    total = shown["total"]
    assert (total["characters"], shown["lines"], shown["scripts"]["chinese"]["characters"]) == (12, 3, 3)
    assert total["cost"] == pytest.approx(total["tokens"] * 0.002)
    assert total["tokens"] == sum(count["tokens"] for count in shown["scripts"].values())


def test_a_file_that_is_no_text_is_refused_with_the_place(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"abc\xff")
    result = run(tiny_folder, "--tokens", tmp_path / "bad.txt")
    assert result.exit_code == 1
    assert "bad.txt is not UTF-8 text: byte 3 is 0xff" in result.stderr


def test_tokens_cannot_be_counted_without_a_tokenizer(tiny_folder: Path, tmp_path: Path, texts: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny_folder / name).read_bytes())
    result = run(tmp_path, "--tokens", texts)
    assert result.exit_code == 1
    assert f"{tmp_path} came without a tokenizer" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "--tokens", "-"), "two different tables"),
        (("--price", "3"), "give --tokens FILE too"),
        (("--context", "100"), "give --memory too"),
        (("--users", "2"), "give --memory too"),
    ],
)
def test_options_that_belong_to_another_table_are_wrong_usage(options: tuple[str, ...], message: str) -> None:
    result = run("no/such-model", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_memory_plan_has_every_precision_unless_one_is_named(tiny_folder: Path) -> None:
    plans = json.loads(run(tiny_folder, "--memory", "--users", "2", "--context", "50", "--json").stdout)["plans"]
    assert [each["dtype"] for each in plans] == ["float32", "bfloat16", "float16", "int8", "int4-64"]
    assert [(each["users"], each["context"], each["fits"]) for each in plans] == [(2, 50, True)] * 5
    assert plans[0]["weights"] == 2 * plans[1]["weights"]
    assert plans[0]["runtime"] > 50e6
    (only,) = json.loads(run(tiny_folder, "--memory", "--dtype", "float16", "--json").stdout)["plans"]
    assert (only["dtype"], only["context"], only["users"]) == ("float16", 4096, 1)


def test_the_plan_is_read_in_megabytes_and_says_what_would_fit() -> None:
    lines = memory_table([PLAN])
    assert lines[1].split() == ["float32", "538", "98", "94", "65", "273", "906", "1,068", "fits:", "yes"]
    assert "for 3 x 2,048 tokens" in lines[2]


def test_what_does_not_fit_is_said_with_what_would() -> None:
    small = Plan(**{**vars(PLAN), "free": 700_000_000, "longest": 512})
    none = Plan(**{**vars(PLAN), "free": 700_000_000, "dtype": "float16"})
    assert memory_table([small, none])[-2:] == ["float32: 512 tokens would fit", "float16: does not fit at any length"]


def test_columns_line_up_where_characters_are_wide() -> None:
    assert columns([["", "词元"], ["中文", "1"], ["a", "23456"]]) == ["       词元", "中文      1", "a     23456"]
