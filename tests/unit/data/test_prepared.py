"""Every objective's batches of a corpus as it is on disk, made of English and Chinese text."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmask.data.batch import IGNORED
from unmask.data.batches import Batches
from unmask.data.blanks import BlankBatches, Mixture
from unmask.data.causal import CausalBatches
from unmask.data.corpus import Corpus
from unmask.data.corrupt import Rates
from unmask.data.documents import Document
from unmask.data.masked import MaskedBatches
from unmask.data.shards import prepare
from unmask.data.sifting import Preparation
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import learn

FOX = "The quick brown fox jumps over the lazy dog. It sleeps {}. Nobody wakes it before noon!"
CLOUD = "云雾山中的小屋里住着一只猫。它每天{}去看日出。我们都很喜欢它。"
TEXTS = [text.format(f"{number} hours") for number in range(30) for text in (FOX, CLOUD)]
MARKS = ("[CLS]", "[MASK]", "[sMASK]", "[gMASK]", "<|startofpiece|>", "<|endofpiece|>")


def prepared(folder: Path, tokenizer: Tokenizer) -> Corpus:
    documents = [Document(f"text {number}", text) for number, text in enumerate(TEXTS)]
    prepare(documents, tokenizer, folder, Preparation(cleaning=None, validation=0.0, words=True, sentences=True))
    return Corpus.open(folder)


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Tokenizer]:
    tokenizer = learn("wordpiece", TEXTS, vocab=120)
    return prepared(tmp_path_factory.mktemp("wordpiece") / "corpus", tokenizer), tokenizer


@pytest.fixture(scope="module")
def bytelevel(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Tokenizer]:
    tokenizer = learn("bytes", TEXTS, vocab=320, specials=MARKS)
    return prepared(tmp_path_factory.mktemp("bytes") / "corpus", tokenizer), tokenizer


def said(batches: Batches, tokenizer: Tokenizer) -> list[str]:
    """What each row asks for, as text."""
    targets = batches.batch(0, range(batches.rows)).targets
    return [tokenizer.decode(row[row != IGNORED].tolist()) for row in targets]


def test_packed_rows_ask_for_documents_but_their_first_token(bytelevel: tuple[Corpus, Tokenizer]):
    corpus, tokenizer = bytelevel
    rows = said(CausalBatches(corpus, rows=60, length=100, seed=0), tokenizer)
    assert sum("brown fox jumps over the lazy dog. It sleeps" in row for row in rows) > 15
    assert sum("山中的小屋里住着一只猫。它每天" in row for row in rows) > 5


def test_hidden_chinese_words_are_asked_for_as_a_whole(wordpiece: tuple[Corpus, Tokenizer]):
    corpus, tokenizer = wordpiece
    rates = Rates(chosen=0.01, masked=1.0, replaced=0.0)  # one word of each row
    batch = MaskedBatches(corpus, tokenizer, rows=200, length=30, seed=0, rates=rates, words=True).batch(0, range(200))
    inside = batch.targets[(batch.targets[:, [1, -2]] == IGNORED).all(1)]  # a row's first and last words may be cut
    asked = {tokenizer.decode(row[row != IGNORED].tolist()).replace(" ", "") for row in inside}
    assert {"喜欢", "每天", "我们"} <= asked
    assert not {"喜", "欢", "每", "天", "我", "们"} & asked


def test_pairs_are_of_sentences(wordpiece: tuple[Corpus, Tokenizer]):
    corpus, tokenizer = wordpiece
    batch = MaskedBatches(
        corpus, tokenizer, rows=50, length=64, seed=0, rates=Rates(chosen=0.01, masked=0.0, replaced=0.0), pairs=True
    ).batch(0, range(50))
    separator = tokenizer.id("[SEP]")
    for row in batch.tokens.tolist():
        ends = [tokenizer.token(row[at - 1]) for at, each in enumerate(row) if each == separator]
        assert len(ends) == 2
        assert set(ends) <= {".", "!", "。"}


def test_sentence_blanks_ask_for_sentences(bytelevel: tuple[Corpus, Tokenizer]):
    corpus, tokenizer = bytelevel
    batches = BlankBatches(corpus, tokenizer, rows=50, length=128, seed=0, mixture=Mixture(0, 1, 0))
    assert any("Nobody wakes it before noon!" in row for row in said(batches, tokenizer))
    assert any("我们都很喜欢它。" in row for row in said(batches, tokenizer))
