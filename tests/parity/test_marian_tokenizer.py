"""Marian's tokenizers against transformers' own, over SentencePiece models learnt here."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import transformers

from tests.marian_folder import ENGLISH, GERMAN, write_marian_files
from tests.vocabularies import TEXTS
from unmask.base.errors import TokenizerError
from unmask.text.pairs import read_pair, write_pair

KINDS: dict[str, dict[str, Any]] = {
    "one vocabulary": {},
    "a vocabulary each": {"apart": True},
    "languages to choose from": {"codes": [">>deu<<", ">>nld<<"]},
    "some pieces without a number": {"lost": 3},
}
WRITTEN = [*ENGLISH, *GERMAN, *TEXTS, "Größe", "ß über", "Hi </s> there", "<s>", "▁a b "]


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("marian")
    write_marian_files(made, **KINDS[request.param])
    return made


def theirs_of(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends a package that it does not use
        return transformers.MarianTokenizer.from_pretrained(folder)


def test_ids_of_both_sides_are_those_of_transformers(folder: Path):
    source, target = read_pair(folder)
    theirs = theirs_of(folder)
    assert source is not None
    assert target is not None
    codes = [f"{code} The dog" for code in (">>deu<<", ">>nld<<") if source.id(code) is not None]
    for text in [*WRITTEN, *codes]:
        assert list(source.encode(text).ids) == theirs(text).input_ids, text
        assert list(target.encode(text).ids) == theirs(text_target=text).input_ids, text
    assert source.rows(WRITTEN) == [theirs(text).input_ids for text in WRITTEN]


def test_what_was_written_is_read_out_as_by_transformers(folder: Path):
    _, target = read_pair(folder)
    theirs = theirs_of(folder)
    assert target is not None
    for text in WRITTEN:
        ids = theirs(text_target=text).input_ids
        assert target.decode(ids) == theirs.decode(ids, skip_special_tokens=True), text


def test_spans_tell_where_a_piece_is_in_the_text(folder: Path):
    source, _ = read_pair(folder)
    assert source is not None
    text = ENGLISH[1]
    encoding = source.encode(text)
    assert "".join(text[start:end] for start, end in encoding.spans) == text
    assert encoding.spans[-1] == (len(text), len(text))


def test_special_tokens_are_known_by_their_numbers(folder: Path):
    source, target = read_pair(folder)
    assert source is not None
    assert target is not None
    vocab = json.loads((folder / "vocab.json").read_text())
    assert (source.ends, source.pad, source.bos) == ({0}, vocab["<pad>"], None)
    assert source.size == len(vocab)
    assert source.id("<unk>") == 1
    assert target.token(0) == "</s>"


def test_the_files_are_written_as_they_were(folder: Path, tmp_path: Path):
    source, target = read_pair(folder)
    write_pair(source, target, tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {
        each.name: each.read_bytes() for each in folder.iterdir()
    }


def test_a_number_beyond_the_vocabulary_is_no_token(folder: Path):
    source, _ = read_pair(folder)
    assert source is not None
    with pytest.raises(TokenizerError, match=f"Token id {source.size} is not in the vocabulary"):
        source.decode([source.size])


@pytest.mark.parametrize("name", ["target.spm", "vocab.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    write_marian_files(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(TokenizerError, match=f"has a source.spm, but no {name}"):
        read_pair(tmp_path)


@pytest.mark.parametrize("number", [0, -1, "7", True])
def test_a_number_that_is_none_or_taken_is_refused(tmp_path: Path, number: object):
    write_marian_files(tmp_path)
    vocab = json.loads((tmp_path / "vocab.json").read_text())
    (tmp_path / "vocab.json").write_text(json.dumps(vocab | {"<unk>": number}))
    with pytest.raises(TokenizerError, match=f"piece '<unk>' has the number {number!r}; each must have one of its own"):
        read_pair(tmp_path)


def test_a_vocabulary_without_an_end_is_refused(tmp_path: Path):
    write_marian_files(tmp_path)
    vocab = json.loads((tmp_path / "vocab.json").read_text())
    del vocab["</s>"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    with pytest.raises(TokenizerError, match="eos_token is '</s>', which is not in the vocabulary"):
        read_pair(tmp_path)
