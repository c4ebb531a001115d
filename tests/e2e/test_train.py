"""Every recipe from a text to a model, through the command line: tiny, but all of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import unmask
from unmask.cli.program import program
from unmask.training.logs import lines

SMALL = {
    "steps": "8",
    "depth": "1",
    "length": "32",
    "rows": "4",
    "log_every": "1",
    "save_every": "4",
    "evaluate_every": "4",
    "evaluation_steps": "2",
    "warmup": "2",
    "schedule": "constant",
    "vocab": "600",
}


def run(recipe: str, data: list[Path], folder: Path, **settings: str) -> Result:
    named = [f"--data={path}" for path in data]
    turned = [f"--set={name}={value}" for name, value in (SMALL | settings).items()]
    arguments = ["train", recipe, *named, *turned, f"--out={folder}", "--json"]
    return CliRunner().invoke(program(), arguments, prog_name="unmask")


def report(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def story(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some pages of a book."""
    text = gzip.decompress((shared / "data/gutenberg_en/alice.txt.gz").read_bytes()).decode()
    path = tmp_path_factory.mktemp("story") / "alice.txt"
    path.write_text(text[:40_000], encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pairs(shared: Path) -> Path:
    return shared / "data/tatoeba_cmn_eng/dev.tsv"


@pytest.mark.shared
def test_a_gpt_is_learnt_saved_and_read_by_transformers(story: Path, tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    made = report(run("pretrain_gpt", [story], tmp_path, tokenizer="bytes", width="32", heads="2", sample_tokens="50"))
    assert (made["steps"], made["stopped"], made["tokens"]) == (8, False, 8 * 4 * 32)
    assert json.loads((tmp_path / "report.json").read_text()) == made
    model, tokens = unmask.load(tmp_path / "model"), torch.randint(5, 600, (2, 32))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    assert torch.allclose(model.logits(tokens), theirs(tokens).logits, atol=1e-5)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    assert list(model.tokenizer.encode("Alice was tired.").ids) == tokenizer("Alice was tired.").input_ids
    # Longer than the context, which is 32.
    assert len(model.tokenizer.encode(made["samples"][0]).ids) > 40


@pytest.mark.shared
def test_a_bert_is_learnt_saved_and_read_by_transformers(story: Path, tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    made = report(run("pretrain_bert", [story], tmp_path, prompt="Alice was [MASK]."))
    assert set(made["validation"]) == {"masked", "pairs", "loss"}
    assert made["samples"][0].startswith("Alice was [MASK].\n    [MASK]: ")
    model, tokens = unmask.load(tmp_path / "model"), torch.randint(5, 600, (2, 32))
    theirs = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "model").eval()
    assert torch.allclose(model.logits(tokens), theirs(tokens).prediction_logits, atol=1e-5)
    assert len(model.fill("Alice was [MASK].")[0].guesses) == 5


@pytest.mark.shared
def test_a_glm_is_learnt_and_fills_blanks(story: Path, tmp_path: Path):
    made = report(run("pretrain_glm", [story], tmp_path, prompt="She was [MASK] in her own [MASK].", ends="0.5"))
    asked, filled = made["samples"][0].split("\n    ")
    assert asked == "She was [MASK] in her own [MASK]."
    assert "[MASK]" not in filled
    assert unmask.load(tmp_path / "model").logits(torch.randint(5, 600, (2, 32))).shape == (2, 32, 600)


@pytest.mark.shared
def test_a_translator_is_learnt_saved_and_read_by_transformers(pairs: Path, tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    made = report(run("translate", [pairs], tmp_path, source="en", target="zh", rows="16", average="0.9"))
    said = [each.split("\n    ")[1] for each in made["samples"]]
    folder = tmp_path / "model"
    theirs = transformers.MarianMTModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for each, ours in zip(made["samples"], said, strict=True):
        ids = [*tokenizer(each.split("\n    ")[0]).input_ids, tokenizer.eos_token_id]
        found = theirs.generate(torch.tensor([ids]), num_beams=1, max_new_tokens=32)[0]
        assert tokenizer.decode(found, skip_special_tokens=True)[: len(ours)] == ours


@pytest.mark.shared
def test_the_same_command_goes_on_and_ends_where_one_run_does(story: Path, tmp_path: Path):
    wiring = {"tokenizer": "characters", "width": "32", "heads": "2", "dropout": "0.1", "sample_tokens": "10"}
    report(run("pretrain_gpt", [story], tmp_path / "parts", **wiring, steps="4"))
    more = run("pretrain_gpt", [story], tmp_path / "parts", **wiring)
    assert "Going on from step 4" in more.stderr
    report(run("pretrain_gpt", [story], tmp_path / "whole", **wiring))
    first, second = ([line.get("loss") for line in lines(tmp_path / each / "log.jsonl")] for each in ("parts", "whole"))
    assert first == second
    weights = [(tmp_path / each / "model/model.safetensors").read_bytes() for each in ("parts", "whole")]
    assert weights[0] == weights[1]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"vocab": "500"}, "is the vocabulary of another run"),
        ({"seed": "1"}, "belongs to another run"),
        ({"validation": "0.3"}, "holds a corpus made of other documents, or in another way"),
    ],
)
def test_the_folder_of_another_run_is_refused(story: Path, tmp_path: Path, settings: dict[str, str], told: str):
    wiring = {"tokenizer": "bytes", "width": "32", "heads": "2", "sample_tokens": "1", "steps": "1"}
    report(run("pretrain_gpt", [story], tmp_path, **wiring))
    before = (tmp_path / "log.jsonl").read_bytes()
    again = run("pretrain_gpt", [story], tmp_path, **(wiring | settings))
    assert again.exit_code == 1
    assert told in again.stderr
    assert (tmp_path / "log.jsonl").read_bytes() == before


@pytest.mark.shared
def test_another_text_is_refused(story: Path, tmp_path: Path):
    path, wiring = tmp_path / "text.txt", {"tokenizer": "bytes", "width": "32", "heads": "2", "steps": "1"}
    path.write_text(story.read_text())
    report(run("pretrain_gpt", [path], tmp_path / "run", **wiring))
    path.write_text(story.read_text() + "One line more.\n")
    again = run("pretrain_gpt", [path], tmp_path / "run", **wiring)
    assert again.exit_code == 1
    assert "is the vocabulary of another run, of other text" in again.stderr


def test_a_text_that_is_too_short_is_refused(tmp_path: Path):
    path = tmp_path / "short.txt"
    path.write_text("One line.\n")
    done = run("pretrain_gpt", [path], tmp_path / "run", tokenizer="characters")
    assert done.exit_code == 1
    assert "tokens, and one row takes 33. Give more text, or a smaller context." in done.stderr
