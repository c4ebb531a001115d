"""Checkpoints: whole or absent, read by any number of processes, damage told by name."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
import torch

from unmask.base.errors import CheckpointError, StorageError, TrainingError
from unmask.training.state import Piece, Saved, clear, newest, require_same, seal, staging_of, steps, write_part

TABLE = torch.arange(20.0).view(5, 4)


def whole(tensor: torch.Tensor) -> Piece:
    return Piece(tensor, 0, tuple(tensor.shape))


def save(folder: Path, step: int, *parts: dict[str, Piece], keep: int = 2) -> None:
    clear(folder, step)
    for rank, part in enumerate(parts):
        write_part(folder, step, rank, part)
    seal(folder, step, {"step": step, "run": {"seed": 1}}, parts=len(parts), keep=keep)


def test_what_was_saved_is_read_back_to_the_bit(tmp_path: Path):
    tensors = {"a": torch.randn(3, 2), "b": torch.randn(3).bfloat16(), "c": torch.tensor(7.0)}
    save(tmp_path, 5, {name: whole(each) for name, each in tensors.items()})
    saved = newest(tmp_path)
    assert saved is not None
    assert saved.record["step"] == 5
    for name, each in tensors.items():
        assert torch.equal(saved.read(name), each)


def test_rows_of_two_processes_are_read_by_one_or_three(tmp_path: Path):
    save(tmp_path, 1, {"t": Piece(TABLE[:3], 0, (5, 4))}, {"t": Piece(TABLE[3:], 3, (5, 4))})
    saved = newest(tmp_path)
    assert saved is not None
    assert torch.equal(saved.read("t"), TABLE)
    for begin, end in ((0, 2), (2, 4), (4, 5), (5, 5)):
        assert torch.equal(saved.read("t", begin, end), TABLE[begin:end])


def test_only_the_newest_are_kept(tmp_path: Path):
    for step in (1, 2, 3):
        save(tmp_path, step, {"t": whole(TABLE)})
    assert [step for step, _ in steps(tmp_path)] == [2, 3]


def test_what_a_broken_off_save_left_is_not_read_and_goes_with_the_next(tmp_path: Path):
    save(tmp_path, 1, {"t": whole(TABLE)})
    clear(tmp_path, 2)
    write_part(tmp_path, 2, 0, {"t": whole(TABLE)})
    assert [step for step, _ in steps(tmp_path)] == [1]
    save(tmp_path, 3, {"t": whole(TABLE)})
    assert not staging_of(tmp_path, 2).exists()


@pytest.mark.parametrize("harm", ["shorter", "other", "gone"])
def test_damage_is_told_with_the_folder_to_remove(tmp_path: Path, harm: str):
    save(tmp_path, 1, {"t": whole(TABLE)})
    part = next(tmp_path.glob("step-00000001/part-*"))
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    {
        "shorter": lambda: part.write_bytes(content[:-4]),
        "other": lambda: part.write_bytes(content),
        "gone": part.unlink,
    }[harm]()
    with pytest.raises(CheckpointError, match=r"part-00000.safetensors is missing or damaged.*step-00000001"):
        newest(tmp_path)


def test_a_manifest_that_is_no_json_is_told(tmp_path: Path):
    save(tmp_path, 1, {"t": whole(TABLE)})
    (tmp_path / "step-00000001" / "manifest.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"step-00000001 has no readable manifest.json"):
        newest(tmp_path)


def test_missing_rows_and_missing_tensors_are_told(tmp_path: Path):
    save(tmp_path, 1, {"t": Piece(TABLE[:3], 0, (5, 4))})
    saved = Saved(tmp_path / "step-00000001")
    with pytest.raises(CheckpointError, match="lacks rows 3 to 5 of 't'"):
        saved.read("t")
    with pytest.raises(CheckpointError, match="lacks 'u'"):
        saved.read("u")


def test_a_full_disk_leaves_the_checkpoint_before_as_it_was(tmp_path: Path):
    save(tmp_path, 1, {"t": whole(TABLE)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError, match=r"part-00000.safetensors"):
            save(tmp_path, 2, {"t": whole(torch.zeros(5000))})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    saved = newest(tmp_path)
    assert saved is not None
    assert torch.equal(saved.read("t"), TABLE)


def test_another_runs_checkpoint_is_refused_with_all_that_differs(tmp_path: Path):
    save(tmp_path, 1, {"t": whole(TABLE)})
    saved = newest(tmp_path)
    assert saved is not None
    with pytest.raises(TrainingError, match=r"another run \(there, here\): seed: 1, 2; data: None, 'x'"):
        require_same({"seed": 2, "data": "x"}, saved)


def test_the_manifest_names_every_file_with_its_bytes(tmp_path: Path):
    save(tmp_path, 1, {"t": whole(TABLE)})
    manifest = json.loads((tmp_path / "step-00000001" / "manifest.json").read_text())
    for part in manifest["parts"]:
        assert (tmp_path / "step-00000001" / part["file"]).stat().st_size == part["bytes"]
