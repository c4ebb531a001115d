"""Files of every kind become documents, and one that is no text says where."""

from __future__ import annotations

import gzip
import json
import sys

import pytest

from unmask.base.errors import DataError, MissingExtra
from unmask.data import files
from unmask.data.documents import read


def texts(*paths, **settings):
    return [each.text for each in read(paths, **settings)]


def written(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_text_file_is_one_document(tmp_path):
    file = written(tmp_path / "a.txt", "one\r\n\r\ntwo\n")
    assert [(each.name, each.text) for each in read(file)] == [(str(file), "one\n\ntwo\n")]


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("paragraph", [(2, "one\ntwo"), (6, "three")]),
        ("line", [(2, "one"), (3, "two"), (6, "three")]),
    ],
)
def test_paragraphs_and_lines_are_documents_that_know_their_line(tmp_path, by, wanted):
    file = written(tmp_path / "a.md", "\none\r\ntwo\n\n \nthree")
    assert [(each.name, each.text) for each in read(file, by=by)] == [(f"{file}:{line}", text) for line, text in wanted]


def test_lines_of_json_give_the_field_that_is_named(tmp_path):
    lines = [json.dumps({"id": 1, "body": "one\u2028still one"}), "", json.dumps({"body": "二"})]
    file = written(tmp_path / "a.jsonl", "\n".join(lines))
    found = list(read(file, field="body"))
    assert [(each.name, each.text) for each in found] == [(f"{file}:1", "one\u2028still one"), (f"{file}:3", "二")]


def test_half_a_character_in_json_becomes_the_replacement_character(tmp_path):
    assert texts(written(tmp_path / "a.jsonl", r'{"text": "a\ud800b \ud83d\ude00"}')) == ["a\ufffdb 😀"]


def test_a_table_gives_the_column_that_is_named(tmp_path):
    assert texts(written(tmp_path / "a.tsv", 'label\ttext\n1\tsaid "hi"\n0\tbye\n')) == ['said "hi"', "bye"]


def test_folders_are_read_in_the_order_of_names_but_for_readme_and_hidden_files(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/b.txt.gz", "README.md", ".hidden/c.txt", "picture.png"):
        data = name.encode()
        written(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    assert texts(tmp_path) == ["a/b.txt.gz", "a/z.txt", "b.txt"]


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_mark_at_the_beginning_says_how_a_file_is_coded(tmp_path, coding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(coding, b"")
    assert texts(written(tmp_path / "a.txt", mark + "今天 ok".encode(coding))) == ["今天 ok"]


def test_characters_and_lines_may_lie_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 7)
    text = "今天天气\r\n很好😀 a\nlast line"
    file = written(tmp_path / "a.txt", text)
    assert texts(file) == [text.replace("\r\n", "\n")]
    assert texts(file, by="line") == text.replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("bad", "offset"), [(b"\xff\x00\x01", 9), (b"\x00", 9), ("今".encode()[:2], 9)])
def test_a_binary_file_is_named_with_the_byte_at_fault(tmp_path, monkeypatch, packed, bad, offset):
    monkeypatch.setattr(files, "BLOCK", 4)
    data = "今天abc".encode() + bad
    file = written(tmp_path / ("a.txt.gz" if packed else "a.txt"), gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match=f"a.txt.* is no text: byte {offset} "):
        texts(file)


@pytest.mark.parametrize("data", [b"no gzip at all", gzip.compress(b"text" * 99, mtime=0)[:-12]])
def test_a_damaged_archive_is_an_error_of_data(tmp_path, data):
    with pytest.raises(DataError, match=r"a\.txt\.gz is damaged"):
        texts(written(tmp_path / "a.txt.gz", data))


def test_zstandard_is_read_frame_after_frame(tmp_path):
    library = pytest.importorskip("zstandard")
    pack = library.ZstdCompressor().compress
    assert texts(written(tmp_path / "a.txt.zst", pack(b"one ") + pack(b"two"))) == ["one two"]
    with pytest.raises(DataError, match=r"a\.txt\.zst is damaged"):
        texts(written(tmp_path / "a.txt.zst", b"no zstandard"))


def test_zstandard_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"zstandard.*unmask\[zst\]"):
        texts(written(tmp_path / "a.txt.zst", b""))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", '{"text": "x"}\n{"text": ', "line 2: no JSON"),
        ("a.jsonl", "[1]", "line 1: not a JSON object"),
        ("a.jsonl", '{"txet": "x"}', "line 1: there is no 'text'. Did you mean 'txet'. Known are txet"),
        ("a.jsonl", '{"text": 7}', "line 1: 'text' is 7, no text"),
        ("a.tsv", "label\ttexts\n1\tx", "line 1: there is no 'text'. Did you mean 'texts'"),
        ("a.tsv", "label\ttext\n1\tx\ty", "line 2: 3 columns, but the header has 2"),
    ],
)
def test_a_line_that_breaks_its_format_is_named(tmp_path, name, data, message):
    file = written(tmp_path / name, data)
    with pytest.raises(DataError, match=message) as error:
        texts(file)
    assert error.value.values["file"] == file


def test_paths_that_lead_nowhere_are_refused_at_once(tmp_path):
    written(tmp_path / "corpus.txt", "x")
    with pytest.raises(DataError, match=r"There is no file or folder .*corpsu\.txt.*corpus\.txt"):
        read(tmp_path / "corpsu.txt")
    with pytest.raises(DataError, match=r"of no kind that is read as text.*\.jsonl"):
        read(written(tmp_path / "a.png", b""))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no text"):
        read(tmp_path / "empty")


def test_a_file_that_may_not_be_read_says_so(tmp_path):
    documents = read(written(tmp_path / "a.txt", "x"))
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match=r"a\.txt cannot be read: No such file"):
        list(documents)


def test_a_document_that_is_too_long_is_to_be_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("unmask.data.documents.LONGEST", 3)
    with pytest.raises(DataError, match="more than 3 characters"):
        texts(written(tmp_path / "a.txt", "four"))


def test_the_fingerprint_tells_content_and_settings_apart_but_not_places(tmp_path):
    one, same = written(tmp_path / "x/a.txt", "text"), written(tmp_path / "y/a.txt", "text")
    other = written(tmp_path / "z/a.txt", "other")
    assert read(one).fingerprint == read(same).fingerprint
    assert len({read(one).fingerprint, read(other).fingerprint, read(one, by="line").fingerprint}) == 3
