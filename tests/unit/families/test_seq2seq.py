from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from unmask.families.rnn import RNNSize, rnn
from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq, save_seq2seq
from unmask.text.train import learn

CPU = torch.device("cpu")
TEXTS = ["a man reads a book", "two dogs run", "the red house"] * 4


def loaded(size: RNNSize, source: str, target: str | None) -> LoadedSeq2Seq:
    """A recurrent model with vocabularies of its own; `target` None is the same for both."""
    torch.manual_seed(0)
    spec = rnn(size)
    model = spec.build().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    read = learn(source, TEXTS, vocab=300)
    written = read if target is None else learn(target, TEXTS, vocab=40)
    return LoadedSeq2Seq("unmask-rnn", spec, model, read, written, start=0, ends=written.ends)


@pytest.mark.parametrize("target", [None, "characters"])
def test_a_recurrent_model_and_its_tokenizers_come_back_from_their_folder(tmp_path: Path, target: str | None):
    size = RNNSize(width=16, depth=2, vocab=300, context=32, target_vocab=None if target is None else 40)
    ours = loaded(size, "bytes", target)
    save_seq2seq(ours, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    assert (again.family, again.spec, again.start, again.ends) == ("unmask-rnn", ours.spec, 0, ours.ends)
    for mine, other in zip(ours.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(mine, other)
    tokens = torch.tensor([[3, 4, 5]])
    with torch.no_grad():  # where weights lie in memory may change the last bit
        torch.testing.assert_close(again.model(tokens, tokens), ours.model(tokens, tokens), rtol=0, atol=1e-6)
    assert again.source is not None
    assert again.target is not None
    assert (again.source is again.target) == (target is None)
    assert (tmp_path / "target" / "tokenizer.json").exists() == (target is not None)
    for given, back in ((ours.source, again.source), (ours.target, again.target)):
        assert given is not None
        # What is read back puts the end after each text.
        assert back.encode("two dogs").ids == (*given.encode("two dogs", special=False).ids, min(given.ends))
        assert back.encode("two dogs", special=False).ids == given.encode("two dogs", special=False).ids


def test_a_recurrent_model_in_eight_bits_comes_near_and_back(tmp_path: Path):
    ours = loaded(RNNSize(width=16, depth=1, vocab=300, context=32), "bytes", None)
    save_seq2seq(ours, tmp_path / "exact")
    narrow = load_seq2seq(tmp_path / "exact", dtype=None, device=CPU, quantize="int8")
    save_seq2seq(narrow, tmp_path / "narrow")
    again = load_seq2seq(tmp_path / "narrow", dtype=None, device=CPU)
    tokens = torch.tensor([[3, 4, 5]])
    with torch.no_grad():
        exact, rounded = (each.model.head(each.model(tokens, tokens)) for each in (ours, narrow))
        assert 0 < (rounded - exact).norm() < 0.1 * exact.norm()
        assert torch.equal(again.model.head(again.model(tokens, tokens)), rounded)
