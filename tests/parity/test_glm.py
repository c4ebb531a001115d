"""GLM against the published port's own numbers (the shared golden set), and its folder in and out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

import unmask
from tests.parity.test_families import close
from unmask.base.errors import ArchitectureError, CheckpointError, RequestError, SpecError
from unmask.core.feedforward import PlainSpec
from unmask.core.masks import Causal, Mask, Prefix, SameDocument, kernel_mask
from unmask.families.glm import GLMSize, glm, to_hub

pytestmark = pytest.mark.shared
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "golden" / "glm-tiny"


@pytest.fixture(scope="module")
def model(folder: Path) -> unmask.Model:
    return unmask.load(folder)


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "expected.safetensors")


def case(folder: Path, name: str) -> dict[str, Any]:
    cases = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))["cases"]
    return next(each for each in cases if each["name"] == name)


def part_a(lengths: int | list[int]) -> Mask:
    """Part A is seen by all; part B only by what comes after."""
    return Causal() | Prefix(torch.tensor(lengths).reshape(-1))


@pytest.mark.parametrize("name", ["two_blanks", "gmask_batch"])
def test_logits_are_those_of_the_published_port(
    folder: Path, model: unmask.Model, expected: dict[str, Tensor], name: str
):
    given = case(folder, name)
    with torch.no_grad():
        logits = model.core.logits(
            torch.tensor(given["input_ids"]),
            positions=torch.tensor(given["position_ids"]),
            mask=part_a(given["part_a_length"]),
        )
    close(logits, expected[f"{name}.logits"])


def test_the_loss_of_two_blanks_is_theirs(folder: Path, model: unmask.Model, expected: dict[str, Tensor]):
    given = case(folder, "two_blanks")
    logits = model.core.logits(
        torch.tensor(given["input_ids"]), positions=torch.tensor(given["position_ids"]), mask=part_a(16)
    )
    close(F.cross_entropy(logits[0], torch.tensor(given["targets"])), expected["two_blanks.loss"])


def test_a_prefix_mask_shows_what_theirs_does(expected: dict[str, Tensor]):
    form = kernel_mask(part_a(16), start=0, length=23, device=CPU)
    assert torch.equal(form.visible(23, CPU), expected["two_blanks.visible"])


def test_a_blank_filled_token_by_token_through_a_cache_is_theirs(
    folder: Path, model: unmask.Model, expected: dict[str, Tensor]
):
    given = case(folder, "cached")
    context, place = given["context_ids"], given["gmask_position"]
    tokens = torch.tensor([context + given["continuation_ids"]])
    length = tokens.shape[1]
    places = [[*range(len(context) - 1), *[place] * (length - len(context) + 1)]]
    within = [[0] * (len(context) - 1) + list(range(1, length - len(context) + 2))]
    positions = torch.tensor([places[0], within[0]])[None]
    cache = model.core.cache(batch=1, capacity=length)
    mask = part_a(len(context) - 1)
    with torch.no_grad():
        for step, part in enumerate(torch.arange(length).split([len(context), *[1] * (length - len(context))])):
            logits = model.core.logits(tokens[:, part], positions=positions[..., part], mask=mask, cache=cache)
            close(logits, expected[f"cached.step{step}.logits"])


def test_choices_that_share_a_text_and_do_not_see_each_other_score_as_theirs(
    folder: Path, model: unmask.Model, expected: dict[str, Tensor]
):
    given = case(folder, "multiple_choice")
    groups = given["choice_indices"]
    documents = torch.zeros(1, len(given["input_ids"][0]), dtype=torch.int64)
    for number, group in enumerate(groups, start=1):
        documents[0, group] = number
    mask = Prefix(torch.tensor([groups[0][0]])) | (Causal() & SameDocument(documents))
    form = kernel_mask(mask, start=0, length=documents.shape[1], device=CPU)
    assert torch.equal(form.visible(documents.shape[1], CPU), expected["multiple_choice.attention_mask"])
    with torch.no_grad():
        logits = model.core.logits(
            torch.tensor(given["input_ids"]), positions=torch.tensor(given["position_ids"]), mask=mask
        )
    chances = logits[0].log_softmax(dim=-1)
    scores = [chances[group, choice].sum() for group, choice in zip(groups, given["choices"], strict=True)]
    close(torch.stack(scores), expected["multiple_choice.scores"][0])


def test_a_folder_goes_in_and_out_bit_for_bit(folder: Path, model: unmask.Model, tmp_path: Path):
    model.save(tmp_path)
    stored, saved = (load_file(each / "model.safetensors") for each in (folder, tmp_path))
    assert stored.keys() == saved.keys()
    assert all(torch.equal(stored[name], saved[name]) for name in stored)
    theirs, ours = (json.loads((each / "config.json").read_text()) for each in (folder, tmp_path))
    assert all(theirs[name] == ours[name] for name in theirs.keys() & ours.keys())
    assert unmask.load(tmp_path).spec == model.spec


def test_the_first_files_names_are_read_too(folder: Path, model: unmask.Model, tmp_path: Path):
    stored = load_file(folder / "model.safetensors")
    save_file({name.removeprefix("glm."): each for name, each in stored.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    again = unmask.load(tmp_path)
    row = torch.arange(10)[None]
    with torch.no_grad():
        assert torch.equal(again.logits(row), model.logits(row))


def changed(folder: Path, into: Path, changes: dict[str, object]) -> Path:
    config = json.loads((folder / "config.json").read_text()) | changes
    (into / "config.json").write_text(json.dumps({name: each for name, each in config.items() if each is not None}))
    (into / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return into


def test_glm_4_which_has_the_same_name_is_told_apart(folder: Path, tmp_path: Path):
    with pytest.raises(ArchitectureError, match="'num_hidden_layers', so this is GLM-4"):
        unmask.load(changed(folder, tmp_path, {"num_layers": None, "num_hidden_layers": 3}))


@pytest.mark.parametrize(
    ("name", "value"),
    [("relative_encoding", True), ("block_position_encoding", False), ("attention_scale", 2.0)],
)
def test_what_would_compute_otherwise_is_refused(folder: Path, tmp_path: Path, name: str, value: object):
    with pytest.raises(CheckpointError, match=f"{name}' is {value}"):
        unmask.load(changed(folder, tmp_path, {name: value}))


def test_in_eight_bits_it_gives_nearly_the_same(folder: Path, model: unmask.Model):
    few = unmask.load(folder, quantize="int8")
    given = case(folder, "two_blanks")
    tokens, positions = torch.tensor(given["input_ids"]), torch.tensor(given["position_ids"])
    with torch.no_grad():
        exact = model.core.logits(tokens, positions=positions, mask=part_a(16))
        rounded = few.core.logits(tokens, positions=positions, mask=part_a(16))
    assert 0 < (rounded - exact).abs().max() / exact.abs().max() < 0.02


def test_it_does_not_pretend_to_continue_texts_or_to_fill_single_tokens(model: unmask.Model):
    assert not model.spec.writes
    with pytest.raises(RequestError, match="glm-tiny writes into the blanks of a text"):
        model.reader.check_writes()
    with pytest.raises(RequestError, match="glm-tiny has no head that fills blanks"):
        model.fill("a [MASK]")


def test_a_model_that_is_wired_otherwise_has_no_such_folder():
    spec = glm(GLMSize(width=32, depth=1, heads=2, vocab=50, context=16))
    block = replace(spec.blocks[0], feedforward=PlainSpec(hidden=64, activation="relu"))
    with pytest.raises(SpecError, match="layout of GLM has no words"):
        to_hub(replace(spec, blocks=(block,)))
