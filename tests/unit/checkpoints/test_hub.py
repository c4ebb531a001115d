"""Names and what they lead to on this machine; nothing here reaches a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmask.base.errors import ModelNotFound, RequestError, StorageError
from unmask.checkpoints.hub import Installed, installed, locate, pull
from unmask.checkpoints.pins import make_pin, read_pin, write_pin
from unmask.checkpoints.reference import Reference


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """The Hub library finds nothing that other tools left on this machine."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))


def put(home: Path, name: str, content: bytes = b"GGUF") -> Path:
    """A pulled file under `name`."""
    file = home / "files" / "model.gguf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    write_pin(home, make_pin(name, source="maker/model", revision="a" * 40, path=file))
    return file


def test_a_file_and_a_folder_are_themselves(tmp_path):
    file = tmp_path / "some.gguf"
    file.touch()
    assert locate(file) == locate(str(file)) == file
    assert locate(tmp_path) == tmp_path


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    assert locate("~/models") == tmp_path / "models"


@pytest.mark.parametrize("name", ["smollm2:135m", "maker/model", "maker/model:a.gguf", "maker/model@refs/pr/1"])
def test_a_pulled_name_leads_to_its_file(tmp_path, name):
    file = put(tmp_path, name)
    assert locate(name, tmp_path) == file


def test_the_home_is_the_environments_unless_given(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path))
    file = put(tmp_path, "maker/model")
    assert locate("maker/model") == file


@pytest.mark.parametrize(
    "name", ["./gone", "../gone", "~/gone", "~nobody-of-that-name/x", "/gone", "gone.gguf", "a/b.safetensors", "a/b/c"]
)
def test_a_path_that_leads_nowhere_is_told_as_a_path(tmp_path, name):
    with pytest.raises(ModelNotFound, match="No such file or folder") as error:
        locate(name, tmp_path)
    assert error.value.values == {"path": name}


def test_a_name_too_long_for_any_file_is_still_only_not_found(tmp_path):
    with pytest.raises(ModelNotFound):
        locate("x" * 100_000, tmp_path)


def test_an_alias_that_was_not_pulled_says_how(tmp_path):
    with pytest.raises(ModelNotFound, match=r"smollm2:135m is not on this machine yet.*unmask pull smollm2:135m"):
        locate("smollm2:135m", tmp_path)


def test_a_repository_that_was_not_pulled_says_how(tmp_path):
    with pytest.raises(ModelNotFound, match="unmask pull maker/model") as error:
        locate("maker/model", tmp_path)
    assert error.value.values["name"] == "maker/model"


def test_a_misspelt_name_gets_the_nearest(tmp_path):
    with pytest.raises(ModelNotFound, match="'smolm2:135'.*Did you mean smollm2:135m"):
        locate("smolm2:135", tmp_path)
    put(tmp_path, "maker/other-model")
    with pytest.raises(ModelNotFound) as error:
        locate("maker/othr-model", tmp_path)
    assert error.value.values["guess"] == "maker/other-model"


def test_a_file_that_was_cut_short_counts_as_not_there(tmp_path):
    put(tmp_path, "smollm2:135m").write_bytes(b"")
    with pytest.raises(ModelNotFound):
        locate("smollm2:135m", tmp_path)
    assert installed(tmp_path) == []


def test_a_pin_that_someone_broke_counts_as_not_there(tmp_path):
    put(tmp_path, "smollm2:135m")
    for content in (b"{", b"[]", b"{}", b'{"path": 3}'):
        (tmp_path / "models/smollm2%3A135m.json").write_bytes(content)
        with pytest.raises(ModelNotFound):
            locate("smollm2:135m", tmp_path)
        assert installed(tmp_path) == []


def test_what_is_installed_is_listed_by_name(tmp_path):
    file = put(tmp_path, "smollm2:135m", b"12345")
    folder = tmp_path / "files" / "snapshot"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"1234567")
    write_pin(tmp_path, make_pin("maker/model", source="maker/model", revision="b" * 40, path=folder))
    assert installed(tmp_path) == [
        Installed("maker/model", folder, 7, "safetensors"),
        Installed("smollm2:135m", file, 5, "gguf"),
    ]


def test_nothing_is_installed_where_there_is_no_home(tmp_path):
    assert installed(tmp_path / "none") == []


def test_a_pin_reads_back_as_it_was_written(tmp_path):
    pin = make_pin("maker/model", source="maker/model", revision="a" * 40, path=tmp_path)
    write_pin(tmp_path, pin)
    assert read_pin(tmp_path, "maker/model") == pin
    assert read_pin(tmp_path, "maker/other") is None


def test_a_pin_that_cannot_be_written_is_an_error_of_storage(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        write_pin(tmp_path / "file", make_pin("n", source="s", revision="r", path=tmp_path))


def test_pull_leaves_what_is_at_a_path_alone(tmp_path):
    assert pull(str(tmp_path)) == tmp_path
    with pytest.raises(ModelNotFound, match="No such file or folder"):
        pull(str(tmp_path / "gone"))


def test_pull_refuses_a_name_that_is_neither_alias_nor_repository(tmp_path):
    with pytest.raises(ModelNotFound, match=r"'gpt2'.*OWNER/NAME"):
        pull("gpt2", home=tmp_path)


def test_an_alias_takes_no_revision(tmp_path):
    with pytest.raises(RequestError, match="no revision 'v1'"):
        pull("smollm2:135m", revision="v1", home=tmp_path)


def test_references_are_read_part_by_part():
    assert Reference.parse("a/b") == Reference("a/b")
    assert Reference.parse("a/b:x/y.gguf@v1") == Reference("a/b", "x/y.gguf", "v1")
    assert Reference.parse("a/b@refs/pr/1") == Reference("a/b", None, "refs/pr/1")
    assert str(Reference.parse("a/b:x.gguf@v1")) == "a/b:x.gguf@v1"


@pytest.mark.parametrize("name", ["a", "a/b/c", "a/b@../../x", "a/b@/etc", "a/b:x.bin", "a/b@", "a b/c", "a/b\n"])
def test_what_is_no_reference_is_none(name):
    assert Reference.parse(name) is None
