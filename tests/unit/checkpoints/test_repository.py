"""Pulling from a Hub: the real client, over HTTP, against a server on the loopback."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.unit.checkpoints.hub_server import Hub, checksum, run, serve
from unmask.checkpoints.hub import installed

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there

MODEL = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": bytes(range(256)) * 4000,
    "pytorch_model.bin": b"never",
    "README.md": b"never",
    "onnx/config.json": b"never",
}
WANTED = ["chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"]


@pytest.fixture
def hub():
    with serve(Hub()) as running:
        yield running


def downloads(hub: Hub) -> list[str]:
    return sorted(path.rpartition("/")[2] for method, path, _ in hub.log if method == "GET" and "/resolve/" in path)


def test_a_pull_brings_only_what_a_model_needs_and_pins_its_commit(hub, tmp_path):
    commit = hub.add("maker/model", MODEL)
    first = run("hub.pull('maker/model', progress=False, report=reports.append)", endpoint=hub.address, folder=tmp_path)
    assert downloads(hub) == sorted(each.name for each in first.path.iterdir()) == WANTED
    assert (first.path / "model.safetensors").read_bytes() == MODEL["model.safetensors"]
    assert first.reports == [f"Fetching maker/model from the Hub at commit {commit}."]
    assert first.stderr == ""
    pin = json.loads((tmp_path / "home/models/maker%2Fmodel.json").read_text())
    assert (pin["name"], pin["revision"], pin["path"]) == ("maker/model", commit, str(first.path))
    assert pin["size"] == sum(len(MODEL[name]) for name in WANTED)


def test_a_pulled_model_needs_no_network_any_more(hub, tmp_path):
    hub.add("maker/model", MODEL)
    path = run("hub.pull('maker/model')", endpoint=hub.address, folder=tmp_path).path
    again = run("hub.pull('maker/model', report=reports.append)", endpoint=NOWHERE, folder=tmp_path)
    assert again.path == path
    assert len(again.reports) == 1
    assert str(path) in again.reports[0]
    assert run("hub.locate('maker/model')", endpoint=NOWHERE, folder=tmp_path).path == path
    # Another tool of the Hub, which knows nothing of our pin, finds the branch too.
    other = "__import__('huggingface_hub').hf_hub_download('maker/model', 'config.json', local_files_only=True)"
    assert run(other, endpoint=NOWHERE, folder=tmp_path).path == path / "config.json"
    # And so do we where only the Hub's cache is left.
    (tmp_path / "home/models/maker%2Fmodel.json").unlink()
    assert run("hub.locate('maker/model')", endpoint=NOWHERE, folder=tmp_path).path == path


def test_a_name_stays_with_its_commit_until_it_is_pulled_again(hub, tmp_path):
    hub.add("maker/model", MODEL)
    old = run("hub.pull('maker/model')", endpoint=hub.address, folder=tmp_path).path
    hub.add("maker/model", MODEL | {"model.safetensors": b"new"}, letter="b")
    assert run("hub.locate('maker/model')", endpoint=hub.address, folder=tmp_path).path == old
    new = run("hub.pull('maker/model')", endpoint=hub.address, folder=tmp_path).path
    assert (new / "model.safetensors").read_bytes() == b"new"
    assert run("hub.locate('maker/model')", endpoint=NOWHERE, folder=tmp_path).path == new


def test_a_branch_can_be_named_in_two_ways(hub, tmp_path):
    hub.add("maker/model", MODEL)
    commit = hub.add("maker/model", MODEL | {"config.json": b"v2"}, branch="v2", letter="c")
    path = run("hub.pull('maker/model', revision='v2')", endpoint=hub.address, folder=tmp_path).path
    assert path.name == commit
    assert run("hub.locate('maker/model@v2')", endpoint=NOWHERE, folder=tmp_path).path == path


def test_a_download_that_breaks_off_goes_on_where_it_stopped(hub, tmp_path):
    weights = bytes(12 << 20)
    hub.add("maker/model", MODEL | {"model.safetensors": weights})
    hub.drops["model.safetensors"] = 11 << 20
    path = run("hub.pull('maker/model', progress=False)", endpoint=hub.address, folder=tmp_path).path
    assert (path / "model.safetensors").read_bytes() == weights
    # The client takes pieces of 10 MiB: the one that had arrived is not asked for again.
    assert [asked for method, _, asked in hub.log if method == "GET" and asked] == [f"bytes={10 << 20}-"]


def test_shards_are_those_that_the_index_names(hub, tmp_path):
    index = json.dumps({"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}).encode()
    shards = {"part-1.safetensors": b"1", "part-2.safetensors": b"2", "extra.safetensors": b"never"}
    hub.add("maker/big", {"config.json": b"{}", "model.safetensors.index.json": index, **shards})
    path = run("hub.pull('maker/big')", endpoint=hub.address, folder=tmp_path).path
    assert sorted(each.name for each in path.glob("*.safetensors")) == ["part-1.safetensors", "part-2.safetensors"]
    (path / "part-2.safetensors").unlink()
    (tmp_path / "home/models/maker%2Fbig.json").unlink()
    assert run("hub.locate('maker/big')", endpoint=NOWHERE, folder=tmp_path).error == "ModelNotFound"


def test_an_index_that_names_a_file_nobody_has_is_refused(hub, tmp_path):
    index = json.dumps({"weight_map": {"a": "lost.safetensors"}}).encode()
    hub.add("maker/big", {"model.safetensors.index.json": index})
    outcome = run("hub.pull('maker/big')", endpoint=hub.address, folder=tmp_path)
    assert (outcome.error, outcome.values["shard"]) == ("DownloadError", "lost.safetensors")


def test_a_single_gguf_file_is_the_model(hub, tmp_path):
    hub.add("maker/model-GGUF", {"one.gguf": b"GGUF", "README.md": b"never"})
    path = run("hub.pull('maker/model-GGUF')", endpoint=hub.address, folder=tmp_path).path
    assert (path.name, path.read_bytes()) == ("one.gguf", b"GGUF")
    (tmp_path / "home/models/maker%2Fmodel-GGUF.json").unlink()
    assert run("hub.locate('maker/model-GGUF')", endpoint=NOWHERE, folder=tmp_path).path == path


def test_one_of_several_gguf_files_is_pulled_by_its_name(hub, tmp_path):
    hub.add("maker/model-GGUF", {"a[1].gguf": b"A", "a1.gguf": b"B"})
    which = run("hub.pull('maker/model-GGUF')", endpoint=hub.address, folder=tmp_path)
    assert (which.error, which.values["files"]) == ("DownloadError", "a1.gguf, a[1].gguf")
    assert "unmask pull maker/model-GGUF:a1.gguf" in which.text
    path = run("hub.pull('maker/model-GGUF:a[1].gguf')", endpoint=hub.address, folder=tmp_path).path
    assert path.read_bytes() == b"A"
    assert downloads(hub) == ["a[1].gguf"]
    assert run("hub.locate('maker/model-GGUF:a[1].gguf')", endpoint=NOWHERE, folder=tmp_path).path == path
    assert run("hub.pull('maker/model-GGUF:b.gguf')", endpoint=hub.address, folder=tmp_path).values["example"]


def test_a_repository_with_pickled_weights_only_is_refused_unless_they_are_allowed(hub, tmp_path):
    hub.add("maker/old", {"pytorch_model.bin": b"PK", "config.json": b"{}", "training_args.bin": b"never"})
    outcome = run("hub.pull('maker/old')", endpoint=hub.address, folder=tmp_path)
    assert outcome.error == "DownloadError"
    assert "maker/old holds only pickled weights" in outcome.text
    assert "--allow-pickle" in outcome.text
    assert downloads(hub) == []
    path = run("hub.pull('maker/old', allow_pickle=True)", endpoint=hub.address, folder=tmp_path).path
    assert downloads(hub) == sorted(each.name for each in path.iterdir()) == ["config.json", "pytorch_model.bin"]
    assert run("hub.locate('maker/old')", endpoint=NOWHERE, folder=tmp_path).path == path
    assert [each.format for each in installed(tmp_path / "home")] == ["pickle"]


def test_pickled_shards_are_those_that_the_index_names(hub, tmp_path):
    index = json.dumps({"weight_map": {"a": "part-1.bin", "b": "part-2.bin"}}).encode()
    files = {"pytorch_model.bin.index.json": index, "part-1.bin": b"1", "part-2.bin": b"2", "part-3.bin": b"never"}
    hub.add("maker/big", files)
    path = run("hub.pull('maker/big', allow_pickle=True)", endpoint=hub.address, folder=tmp_path).path
    assert sorted(each.name for each in path.glob("*.bin")) == ["part-1.bin", "part-2.bin"]


def test_pickled_weights_are_left_where_there_are_others(hub, tmp_path):
    hub.add("maker/model", MODEL)
    path = run("hub.pull('maker/model', allow_pickle=True)", endpoint=hub.address, folder=tmp_path).path
    assert sorted(each.name for each in path.iterdir()) == WANTED


ENCODER = MODEL | {
    "modules.json": b"[]",
    "1_Pooling/config.json": b"{}",
    "2_Dense/config.json": b"{}",
    "2_Dense/model.safetensors": b"weights",
    "2_Dense/pytorch_model.bin": b"never",
    "3_Dense/config.json": b"{}",
    "3_Dense/pytorch_model.bin": b"PK",
    "sentencepiece.bpe.model": b"pieces",
    "spiece.model": b"pieces",
    "2_notes/config.json": b"never",
    "openvino/model.safetensors": b"never",
}


@pytest.mark.parametrize("allowed", [False, True])
def test_a_sentence_encoder_comes_with_its_further_modules(hub, tmp_path, allowed):
    hub.add("maker/encoder", ENCODER)
    path = run(f"hub.pull('maker/encoder', allow_pickle={allowed})", endpoint=hub.address, folder=tmp_path).path
    found = {each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()}
    wanted = {name: content for name, content in ENCODER.items() if content != b"never"}
    if not allowed:
        del wanted["3_Dense/pytorch_model.bin"]
    assert found == wanted


def test_a_translator_comes_with_the_tokenizers_of_both_sides(hub, tmp_path):
    files = MODEL | {
        "source.spm": b"pieces",
        "target.spm": b"pieces",
        "vocab.json": b"{}",
        "target_vocab.json": b"{}",
        "target/tokenizer.json": b"{}",
    }
    hub.add("maker/translator", files)
    path = run("hub.pull('maker/translator')", endpoint=hub.address, folder=tmp_path).path
    found = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
    assert found == {*WANTED, *(files.keys() - MODEL.keys())}


def test_a_snapshot_without_weights_counts_as_not_there(hub, tmp_path):
    hub.add("maker/model", MODEL)
    only = "__import__('huggingface_hub').hf_hub_download('maker/model', 'config.json')"
    assert run(only, endpoint=hub.address, folder=tmp_path).path.is_file()
    assert run("hub.locate('maker/model')", endpoint=NOWHERE, folder=tmp_path).error == "ModelNotFound"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        ("hub.pull('nobody/nothing')", "DownloadError", "The Hub has no model nobody/nothing, or it is private."),
        ("hub.pull('maker/model@v9')", "DownloadError", "maker/model has no revision 'v9'."),
        ("hub.pull('maker/secret')", "DownloadError", "set HF_TOKEN to it"),
        ("hub.pull('maker/a--b')", "DownloadError", "'maker/a--b' cannot be a model on the Hub"),
    ],
)
def test_each_refusal_of_the_hub_has_its_own_message(hub, tmp_path, call, error, says):
    hub.add("maker/model", MODEL)
    hub.gated.add("maker/secret")
    outcome = run(call, endpoint=hub.address, folder=tmp_path)
    assert outcome.error == error
    assert says in outcome.text
    assert "\n" not in outcome.text


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_a_hub_out_of_reach_is_told_from_a_model_that_is_not_there(tmp_path, environment):
    outcome = run("hub.pull('maker/model')", endpoint=NOWHERE, folder=tmp_path, **environment)
    assert outcome.error == "HubUnreachableError"
    assert "The Hub does not answer for maker/model" in outcome.text


def test_a_page_that_is_not_the_hub_is_no_answer(hub, tmp_path):
    hub.revisions["maker/model"] = {"main": ("a" * 40, {})}
    outcome = run("hub.pull('maker/model')", endpoint=f"{hub.address}/portal", folder=tmp_path)
    assert outcome.error == "HubUnreachableError"


def test_a_full_disk_is_told_as_such(hub, tmp_path):
    hub.add("maker/model", MODEL)
    (tmp_path / "hf").mkdir()
    tiny = ("unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=512k none {tmp_path}/hf && exec "$@"', "sh")
    if subprocess.run([*tiny, sys.executable, "-c", ""], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    outcome = run("hub.pull('maker/model')", endpoint=hub.address, folder=tmp_path, before=tiny)
    assert outcome.error == "StorageError"
    assert "No space left on the disk" in outcome.text


def test_an_alias_comes_from_the_hub_when_its_checksum_is_right(hub, tmp_path):
    hub.add("maker/tiny", {"tiny.gguf": b"GGUF tiny"})
    wheel = "ModelWheel('no-such-package==1', '0', 'tiny')"
    file = f"ExactFile('tiny.gguf', 9, '{checksum(b'GGUF tiny')}')"
    alias = f"Alias('tiny:1', ({file},), 'maker/tiny', {wheel})"
    call = f"hub.pull_alias({alias}, progress=False, report=reports.append, home=Path({str(tmp_path)!r}))"
    path = run(call, endpoint=hub.address, folder=tmp_path).path
    assert path.read_bytes() == b"GGUF tiny"
    requests = len(hub.log)
    assert run(call, endpoint=hub.address, folder=tmp_path).path == path
    assert len(hub.log) == requests
