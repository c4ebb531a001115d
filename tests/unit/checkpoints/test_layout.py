"""The index of a sharded checkpoint is read as something a stranger wrote."""

from __future__ import annotations

import json
import os

import pytest

from unmask.base.errors import FormatError
from unmask.checkpoints.layout import LARGEST_HEADER, read_index


def test_an_index_maps_tensors_to_files(tmp_path):
    index = tmp_path / "index.json"
    index.write_text('{"metadata": {"total_size": 1}, "weight_map": {"a": "model-1.safetensors"}}')
    assert read_index(index) == {"a": "model-1.safetensors"}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(tmp_path, content):
    index = tmp_path / "index.json"
    index.write_bytes(content)
    with pytest.raises(FormatError, match="not JSON") as error:
        read_index(index)
    assert error.value.values["file"] == index


@pytest.mark.parametrize(
    "content", ["[]", "3", "{}", '{"weight_map": {}}', '{"weight_map": ["a"]}', '{"weight_map": {"a": 1, "b": "c"}}']
)
def test_json_without_a_map_of_files_is_refused(tmp_path, content):
    index = tmp_path / "index.json"
    index.write_text(content)
    with pytest.raises(FormatError, match="weight_map"):
        read_index(index)


@pytest.mark.parametrize(
    "shard",
    [
        *("../other.safetensors", "/etc/x.safetensors", "a/b.safetensors", "a\\b.safetensors", "", "..", "x.bin"),
        *("nul\0.safetensors", "x" * 5000 + ".safetensors", "line\n.safetensors"),
    ],
)
def test_a_shard_outside_the_folder_is_refused(tmp_path, shard):
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(FormatError, match="puts tensor 'a' in") as error:
        read_index(index)
    assert error.value.values["shard"] == shard
    assert len(str(error.value)) < 400


def test_an_index_of_gigabytes_is_refused_unread(tmp_path):
    index = tmp_path / "index.json"
    index.touch()
    os.truncate(index, LARGEST_HEADER + 1)  # takes no room on the disk
    with pytest.raises(FormatError, match="100,000,001 bytes"):
        read_index(index)
