"""A prepared folder holds the tokens of its documents, all of them or none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from unmask.base.errors import DataError
from unmask.data.cleaning import Cleaning
from unmask.data.corpus import Corpus
from unmask.data.documents import Document, read
from unmask.data.quality import Quality, features
from unmask.data.shards import prepare
from unmask.data.sifting import Preparation
from unmask.text.train import learn

TEXTS = [f"Document {number} says {'much ' * (number % 7)}今天天气很好。" for number in range(200)]
DOCUMENTS = [Document(f"text {number}", text) for number, text in enumerate(TEXTS)]
ALL = Preparation(validation=0.0, shard=1_000)


@pytest.fixture(scope="module")
def tokenizer():
    return learn("bytes", TEXTS, vocab=270)


def read_back(corpus, tokenizer):
    return [tokenizer.decode(corpus.document(index).tolist()) for index in range(corpus.documents)]


def spelled(tokenizer, text):
    return [*tokenizer.encode(text, special=False).ids, *tokenizer.ends]


def test_a_corpus_is_its_documents_tokens_one_after_the_other(tmp_path, tokenizer):
    prepare(DOCUMENTS, tokenizer, tmp_path / "corpus", ALL)
    corpus = Corpus.open(tmp_path / "corpus", tokenizer=tokenizer)
    wanted = [spelled(tokenizer, text) for text in TEXTS]
    row = [token for ids in wanted for token in ids]
    assert (corpus.documents, corpus.tokens, corpus.vocab) == (200, len(row), tokenizer.size)
    assert corpus.bounds.tolist() == np.cumsum([0, *map(len, wanted)]).tolist()
    assert corpus.slice(0, corpus.tokens).tolist() == row
    assert corpus.slice(990, 2_010).tolist() == row[990:2_010], "over the borders of files"
    assert corpus.slice(1_000, 1_000).tolist() == []
    assert corpus.document(123).tolist() == wanted[123]
    assert corpus.slice(0, 9).dtype == np.int64
    assert corpus.sentences is None
    assert corpus.heads(0, 9) is None
    corpus.verify()


def test_words_and_sentences_are_kept_where_they_are_asked_for(tmp_path, tokenizer):
    prepare(
        DOCUMENTS, tokenizer, tmp_path / "corpus", Preparation(validation=0.0, shard=100, words=True, sentences=True)
    )
    corpus = Corpus.open(tmp_path / "corpus")
    begin, end = corpus.bounds[8:10].tolist()
    heads = np.flatnonzero(corpus.heads(begin, end)) + begin
    words = [tokenizer.decode(corpus.slice(*span).tolist()) for span in zip(heads, [*heads[1:], end], strict=True)]
    read = [word.strip() for word in words if word.strip()]
    assert read == ["Document", "8", "says", "much", "今天天气", "很", "好", "。"]
    assert corpus.sentences[[0, -1]].tolist() == [0, corpus.tokens]
    assert set(corpus.bounds.tolist()) <= set(corpus.sentences.tolist())


def test_the_split_depends_on_the_text_alone(tmp_path, tokenizer):
    prepare(DOCUMENTS, tokenizer, tmp_path / "one", Preparation(validation=0.25))
    prepare([*DOCUMENTS[::-1], Document("new", "A new one")], tokenizer, tmp_path / "two", Preparation(validation=0.25))
    held = [set(read_back(Corpus.open(tmp_path / name, "validation"), tokenizer)) for name in ("one", "two")]
    learnt = [set(read_back(Corpus.open(tmp_path / name), tokenizer)) for name in ("one", "two")]
    assert held[0] == held[1] - {"A new one"}
    assert learnt[0] | held[0] == set(TEXTS)
    assert 30 <= len(held[0]) <= 70


def test_the_tail_of_each_document_may_be_held_out(tmp_path, tokenizer):
    text = "".join(chr(65 + number % 26) for number in range(1_000))
    prepare([Document("long", text)], tokenizer, tmp_path / "corpus", Preparation(validation=0.1, tail=True))
    parts = [read_back(Corpus.open(tmp_path / "corpus", split), tokenizer) for split in ("train", "validation")]
    assert parts == [[text[:900]], [text[900:]]]


def test_what_is_left_out_is_counted_by_its_reason_and_told(tmp_path, tokenizer):
    texts = ["good words here today", "GOOD  words here\ntoday", "", " \n", "?", "few", "spam spam spam spam"]
    quality = Quality(np.zeros(1 << 16, np.float32), bias=30.0, alpha=99.0)
    quality.weights[features("spam", 1 << 16)[0]] = -999.0
    preparation = Preparation(cleaning=Cleaning(shortest=2), quality=quality, validation=0.0)
    told = []
    prepare([Document("", text) for text in texts], tokenizer, tmp_path / "corpus", preparation, progress=told.append)
    manifest = json.loads((tmp_path / "corpus/corpus.json").read_text())
    assert manifest["read"] == told[-1].read == 7
    assert manifest["dropped"] == told[-1].dropped == {"duplicate": 1, "empty": 2, "quality": 1, "short": 2}
    assert (told[-1].characters, told[-1].tokens) == (21, len(spelled(tokenizer, texts[0])))


def test_texts_without_tokens_are_left_out(tmp_path):
    tokenizer = learn("wordpiece", ["a word or two"], vocab=40)
    documents = [Document("", "\u200b"), Document("", "a word"), Document("", "\u200b\u200b")]
    prepare(documents, tokenizer, tmp_path / "corpus", Preparation(cleaning=None, validation=0.0, sentences=True))
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.documents == 1
    assert corpus.sentences.tolist() == [0, corpus.tokens]
    assert json.loads((tmp_path / "corpus/corpus.json").read_text())["dropped"] == {"without tokens": 2}


def test_near_duplicates_are_left_out_if_asked(tmp_path, tokenizer):
    text = " ".join(f"word{number * 7 % 300}" for number in range(300))
    documents = [Document("", text), Document("", text + " more"), Document("", "another")]
    prepare(documents, tokenizer, tmp_path / "corpus", Preparation(duplicates="near", validation=0.0))
    assert read_back(Corpus.open(tmp_path / "corpus"), tokenizer) == [text, "another"]


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "<u2"), (65_537, "<u4")])
def test_tokens_take_as_few_bytes_as_the_vocabulary_allows(tmp_path, size, dtype):
    tokenizer = learn("characters", ["ab"], vocab=4)
    tokenizer.backend.add_tokens([f"<{number}>" for number in range(size - 4)])
    prepare([Document("", f"ab<{size - 5}>")], tokenizer, tmp_path / "corpus", ALL)
    manifest = json.loads((tmp_path / "corpus/corpus.json").read_text())
    assert manifest["splits"]["train"]["tokens"]["dtype"] == dtype
    assert Corpus.open(tmp_path / "corpus").slice(0, 4).tolist() == [2, 3, size - 1, 1]


def test_a_corpus_that_is_there_is_left_alone(tmp_path, tokenizer):
    (tmp_path / "a.txt").write_text(TEXTS[0])
    documents = read(tmp_path / "a.txt")
    prepare(documents, tokenizer, tmp_path / "corpus", ALL)
    before = (tmp_path / "corpus/corpus.json").stat().st_mtime_ns
    prepare(documents, tokenizer, tmp_path / "corpus", ALL)
    assert (tmp_path / "corpus/corpus.json").stat().st_mtime_ns == before


def test_another_corpus_in_the_folder_is_not_written_over(tmp_path, tokenizer):
    prepare(DOCUMENTS, tokenizer, tmp_path / "corpus", ALL)
    for documents, preparation in ((DOCUMENTS[1:], ALL), (DOCUMENTS, Preparation(validation=0.0))):
        with pytest.raises(DataError, match="made of other documents, or in another way"):
            prepare(documents, tokenizer, tmp_path / "corpus", preparation)
    with pytest.raises(DataError, match="made of other documents, or in another way"):
        prepare(DOCUMENTS, learn("bytes", TEXTS, vocab=260), tmp_path / "corpus", ALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").touch()
    with pytest.raises(DataError, match="mine is not empty and holds no corpus"):
        prepare(DOCUMENTS, tokenizer, tmp_path / "mine", ALL)


def test_two_preparations_are_equal_to_the_byte(tmp_path, tokenizer):
    for name in ("one", "two"):
        prepare(DOCUMENTS, tokenizer, tmp_path / name, Preparation(words=True, sentences=True))
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert Corpus.open(tmp_path / "one").fingerprint == Corpus.open(tmp_path / "two").fingerprint
    assert Corpus.open(tmp_path / "one").fingerprint != Corpus.open(tmp_path / "one", "validation").fingerprint


@pytest.mark.parametrize(
    ("texts", "settings", "message"),
    [
        ([], {}, "No document is left to learn from: of 0 read"),
        (["", "\n"], {}, "of 2 read, these were left out: empty 2"),
        (["one line"], {}, "None of the documents came into the split 'validation': 1 were read"),
        (["one line"], {"validation": 1.0}, "The share of documents held out is 1.0"),
    ],
)
def test_an_empty_or_one_line_corpus_says_what_is_wrong(tmp_path, tokenizer, texts, settings, message):
    with pytest.raises(DataError, match=message):
        prepare([Document("", text) for text in texts], tokenizer, tmp_path / "corpus", Preparation(**settings))
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
from unmask.base.errors import StorageError
from unmask.data.documents import Document
from unmask.data.shards import prepare
from unmask.data.sifting import Preparation
from unmask.text.formats import read_folder
documents = [Document("", f"Document {n} says something") for n in range(60_000)]
how, folder = sys.argv[1], Path(sys.argv[2])
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
def kill(tally):
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
try:
    prepare(documents, read_folder(folder), folder / "corpus", Preparation(validation=0.0), progress=kill)
except StorageError as error:
    sys.exit(str(error))
"""


def test_a_kill_leaves_no_corpus_and_the_next_try_clears_up(tmp_path, tokenizer):
    from unmask.text.save import write_folder

    write_folder(tokenizer, None, tmp_path)
    killed = subprocess.run([sys.executable, "-c", PROGRAM, "kill", str(tmp_path)])
    assert killed.returncode == -9
    assert not (tmp_path / "corpus").exists()
    assert len(list(tmp_path.glob(".corpus.*.partial/train/*"))) > 0
    prepare(DOCUMENTS, tokenizer, tmp_path / "corpus", ALL)
    assert list(tmp_path.glob(".corpus.*")) == []
    assert Corpus.open(tmp_path / "corpus").documents == 200


def test_what_another_process_is_preparing_is_left_alone(tmp_path, tokenizer):
    other = tmp_path / f".corpus.{os.getppid()}.partial"
    other.mkdir()
    prepare(DOCUMENTS, tokenizer, tmp_path / "corpus", ALL)
    assert other.is_dir()


def test_a_file_that_cannot_grow_is_an_error_of_storage_and_leaves_nothing(tmp_path, tokenizer):
    from unmask.text.save import write_folder

    write_folder(tokenizer, None, tmp_path)
    full = subprocess.run([sys.executable, "-c", PROGRAM, "full", str(tmp_path)], capture_output=True, text=True)
    assert "Cannot write" in full.stderr
    assert "-00000.bin: File too large" in full.stderr
    assert "Traceback" not in full.stderr
    assert list(tmp_path.glob("*corpus*")) == list(tmp_path.glob(".corpus*")) == []


class TestADamagedCorpus:
    @pytest.fixture
    def folder(self, tmp_path, tokenizer):
        prepare(DOCUMENTS[:20], tokenizer, tmp_path / "corpus", Preparation(validation=0.2))
        return tmp_path / "corpus"

    def test_says_which_file_is_too_short_or_gone(self, folder):
        file = folder / "train/tokens-00000.bin"
        file.write_bytes(file.read_bytes()[:-2])
        with pytest.raises(DataError, match=r"tokens-00000\.bin should have \d+ bytes and has \d+"):
            Corpus.open(folder)
        file.unlink()
        with pytest.raises(DataError, match=r"tokens-00000\.bin should have \d+ bytes and has -1"):
            Corpus.open(folder)

    def test_says_which_file_is_another_if_all_is_read(self, folder):
        file = folder / "train/bounds-00000.bin"
        file.write_bytes(b"\x01" + file.read_bytes()[1:])
        corpus = Corpus.open(folder)
        with pytest.raises(DataError, match=r"bounds-00000\.bin is not what was written"):
            corpus.verify()

    def test_has_no_manifest_or_one_of_another_kind(self, folder):
        (folder / "corpus.json").write_text('{"format": 99}')
        with pytest.raises(DataError, match="is of format 99; this version reads 1"):
            Corpus.open(folder)
        (folder / "corpus.json").write_text("{")
        with pytest.raises(DataError, match=r"corpus\.json is damaged"):
            Corpus.open(folder)
        shutil.rmtree(folder)
        with pytest.raises(DataError, match="holds no corpus"):
            Corpus.open(folder)

    def test_or_rather_a_whole_one_has_its_own_splits_and_tokenizer(self, folder):
        with pytest.raises(DataError, match="no split 'test'; it has train, validation"):
            Corpus.open(folder, "test")
        with pytest.raises(DataError, match="made with another tokenizer, of 270 tokens; this one has 260"):
            Corpus.open(folder, tokenizer=learn("bytes", TEXTS, vocab=260))
