"""Two processes that train one model, replicated and sharded: against one process, stopped, resumed and broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.ranks import SETTINGS, VARIANTS, Sometimes, learn, with_second
from tests.unit.training.ranks import weights as weights_of
from unmask.base.errors import StorageError, TrainingError
from unmask.training.distributed import processes
from unmask.training.processes import Alone
from unmask.training.state import Piece, clear, seal, steps, write_part

KINDS = ("data", "sharded")
ROOT = Path(__file__).parents[3]


def command(script: str, folder: Path) -> list[str]:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return [*launch, str(Path(__file__).with_name("ranks.py")), script, str(folder)]


def environment(**more: str) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "UNMASK_LANG": "en", **more}


def launch(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(script, folder), env=environment(**more), capture_output=True, text=True, timeout=170, check=False
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, torch.Tensor], dict[str, Any]]]:
    """What one process makes of the same rows."""
    folder = tmp_path_factory.mktemp("alone")
    found = {name: learn(Alone(), folder / name, settings) for name, settings in VARIANTS.items()}
    return {name: (weights_of(net), told) for name, (net, told) in found.items()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    for kind in KINDS:
        (folder / kind).mkdir()
        _, told = learn(Alone(), folder / f"alone-{kind}", SETTINGS.__class__(**{**vars(SETTINGS), "steps": 3}))
        assert len(told["losses"]) == 3
    done = launch("small", folder)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def told(folder: Path, kind: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / kind / "told.json").read_text())
    return values


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["plain", "pieces"])
def test_two_processes_learn_what_one_does(ran: Path, alone: Any, kind: str, name: str):
    found, (_, wanted) = told(ran, kind)[name], alone[name]
    assert found["losses"] == pytest.approx(wanted["losses"], abs=1e-6)
    assert found["judged"] == pytest.approx(wanted["judged"], abs=1e-6)
    assert not found["training"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_whole_in_both_processes_and_the_same(ran: Path, alone: Any, kind: str):
    first, second = (load_file(ran / kind / f"plain-{rank}.safetensors") for rank in range(2))
    assert same(first, second)
    wanted = alone["plain"][0]
    assert first.keys() == wanted.keys()
    for name, weight in first.items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, wanted[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_model_is_saved_as_one_file_that_other_tools_read(ran: Path, kind: str):
    saved = load_file(ran / kind / "export" / "model.safetensors")
    learnt = load_file(ran / kind / "plain-0.safetensors")
    assert json.loads((ran / kind / "export" / "config.json").read_text())["model_type"] == "gpt2"
    assert torch.equal(saved["transformer.wte.weight"], learnt["embedding.tokens.weight"])
    assert torch.equal(saved["transformer.h.1.mlp.c_fc.weight"].T, learnt["blocks.1.feedforward.up.weight"])


def test_bfloat16_of_two_is_near_that_of_one(ran: Path, alone: Any):
    assert told(ran, "data")["bfloat16"]["losses"] == pytest.approx(alone["bfloat16"][1]["losses"], abs=0.02)


def test_the_mean_of_sharded_weights_is_judged_and_left(ran: Path, alone: Any):
    wanted, seen = alone["mean"]
    assert told(ran, "sharded")["mean"]["judged"] == pytest.approx(seen["judged"], abs=1e-6)
    for name, weight in load_file(ran / "sharded" / "mean-0.safetensors").items():
        torch.testing.assert_close(weight, wanted[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "name"), [("data", "bfloat16"), ("sharded", "mean")])
def test_a_signal_to_one_stops_both_and_they_go_on_to_the_bit(ran: Path, kind: str, name: str):
    found = told(ran, kind)
    assert found["first"]["stopped"]
    assert found["first"]["losses"] + found["second"]["losses"] == found[name]["losses"]
    assert "step 3" in found["second"]["messages"][0]
    for rank in range(2):
        straight, parts = (load_file(ran / kind / f"{each}-{rank}.safetensors") for each in (name, "second"))
        assert same(straight, parts)


@pytest.mark.parametrize("kind", KINDS)
def test_two_go_on_from_ones_checkpoint(ran: Path, alone: Any, kind: str):
    found = told(ran, kind)["one to two"]
    assert found["losses"] == pytest.approx(alone["plain"][1]["losses"][3:], abs=1e-6)
    assert "processes: 1, 2" in found["messages"][1]


@pytest.mark.parametrize("kind", KINDS)
def test_one_goes_on_from_the_checkpoint_of_two(ran: Path, alone: Any, kind: str):
    for each in (ran / kind / "plain" / "checkpoints" / "step-00000006").iterdir():
        each.unlink()
    (ran / kind / "plain" / "checkpoints" / "step-00000006").rmdir()
    _, found = learn(Alone(), ran / kind / "plain", SETTINGS)
    assert found["losses"] == pytest.approx(alone["plain"][1]["losses"][3:], abs=1e-6)
    assert "processes: 2, 1" in found["messages"][1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_one_processs_rows_use_is_learnt_all_the_same(ran: Path, kind: str, tmp_path: Path):
    _, wanted = learn(Alone(), tmp_path, objective=Sometimes(), net=with_second())
    assert told(ran, kind)["unused"]["losses"] == pytest.approx(wanted["losses"], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_do_not_divide_are_refused(ran: Path, kind: str):
    assert told(ran, kind)["rows"][0] == "TrainingError"
    assert "3 rows of a step cannot be divided among 2 processes" in told(ran, kind)["rows"][1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_without_a_number_stops_both(ran: Path, kind: str):
    for rank, (name, text) in enumerate(told(ran, kind)["no number"]):
        assert name == "TrainingError"
        assert f"failed-step-00000001-{rank:05}" in text


def test_a_full_disk_of_one_stops_both_and_leaves_the_checkpoint_before(ran: Path, alone: Any):
    found = told(ran, "sharded")
    (first, why), (second, path) = found["full"]
    assert (first, second) == ("TrainingError", "StorageError")
    assert "Another process of this run could not go on" in why
    assert "part-00001.safetensors" in path
    assert "step 3" in found["after full"]["messages"][0]
    assert found["after full"]["losses"] == pytest.approx(alone["plain"][1]["losses"][3:], abs=1e-6)


def test_without_torchrun_there_is_one_process():
    with processes("sharded") as team:
        assert (team.rank, team.count, team.sharded) == (0, 1, False)


def test_an_unknown_kind_is_refused():
    with pytest.raises(TrainingError, match=r"'tensor'; known are data, sharded"), processes("tensor"):
        pass


def test_a_part_that_did_not_come_is_told(tmp_path: Path):
    clear(tmp_path, 1)
    write_part(tmp_path, 1, 0, {"a": Piece(torch.zeros(2), 0, (4,))})
    with pytest.raises(StorageError, match=r"Of 2 processes, 1 left their part .*\.step-00000001\.partial"):
        seal(tmp_path, 1, {}, parts=2, keep=1)
    assert steps(tmp_path) == []


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_devices_learn_what_one_processor_does(alone: Any, tmp_path: Path):
    for kind in KINDS:
        (tmp_path / kind).mkdir()
    done = launch("cuda", tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    for kind in KINDS:
        assert told(tmp_path, kind)["losses"] == pytest.approx(alone["bfloat16"][1]["losses"], abs=0.02)
        assert same(*(load_file(tmp_path / kind / f"{rank}.safetensors") for rank in range(2)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_is_near_one_process_and_goes_on_to_the_bit(
    alone: Any, kind: str, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.getbasetemp() / "full-ranks"
    if not folder.exists():
        for each in KINDS:
            (folder / each).mkdir(parents=True)
        done = launch("full", folder)
        assert done.returncode == 0, done.stderr[-4000:]
    found = told(folder, kind)
    for name in VARIANTS:
        near = 0.02 if name == "bfloat16" else 1e-6
        assert found[name]["losses"] == pytest.approx(alone[name][1]["losses"], abs=near)
        assert found[f"{name} in parts"]["losses"] == found[name]["losses"][4:]
        for rank in range(2):
            straight, parts = (
                load_file(folder / kind / f"{each}-{rank}.safetensors") for each in (name, f"{name}-in-parts")
            )
            assert same(straight, parts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_process_ends_the_other_and_the_run_goes_on_to_the_bit(kind: str, tmp_path: Path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    for folder in (straight, broken):
        folder.mkdir()
    assert launch("killed", straight, KIND=kind).returncode == 0
    done = launch("killed", broken, KIND=kind, KILL="yes")
    assert done.returncode != 0
    assert "Another process of this run ended before its time" in done.stderr
    assert [step for step, _ in steps(broken / "run" / "checkpoints")] == [2, 4]
    assert launch("killed", broken, KIND=kind).returncode == 0
    assert same(load_file(straight / "killed.safetensors"), load_file(broken / "killed.safetensors"))


@pytest.mark.slow
def test_torchrun_told_to_end_lets_the_run_be_saved(tmp_path: Path):
    with subprocess.Popen(command("long", tmp_path), env=environment(), stderr=subprocess.DEVNULL) as running:
        while not (tmp_path / "ready").exists():
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)
    found = json.loads((tmp_path / "told.json").read_text())
    assert found["stopped"]
    assert [step for step, _ in steps(tmp_path / "run" / "checkpoints")] == [found["step"]]
