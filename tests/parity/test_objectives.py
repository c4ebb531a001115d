"""Losses against those of transformers, of the same weights and the same labels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor, nn

import unmask
from unmask.data.batch import IGNORED, Batch
from unmask.training.objectives import Causal, Masked

VOCAB, LENGTH = 97, 24


def loaded(kind: str, folder: Path, **settings: object) -> tuple[unmask.Model, nn.Module]:
    """A tiny model with random weights far from zero, ours and theirs."""
    torch.manual_seed(0)
    theirs = getattr(transformers, kind)(getattr(transformers, kind).config_class(vocab_size=VOCAB, **settings)).eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    theirs.save_pretrained(folder)
    return unmask.load(folder), theirs


def ids() -> Tensor:
    return torch.randint(3, VOCAB, (3, LENGTH), generator=torch.Generator().manual_seed(1))


def test_causal_is_the_loss_of_gpt2(tmp_path: Path):
    ours, theirs = loaded("GPT2LMHeadModel", tmp_path, n_embd=32, n_layer=2, n_head=4, n_positions=LENGTH)
    tokens = ids()
    with torch.no_grad():
        wanted = theirs(tokens, labels=tokens).loss
        total, count = Causal().loss(ours.core, Batch(tokens[:, :-1], tokens[:, 1:])).terms["tokens"]
    assert float(total / count) == pytest.approx(float(wanted), rel=1e-5)


def test_masked_and_pairs_are_together_the_loss_of_bert(tmp_path: Path):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 56}
    ours, theirs = loaded("BertForPreTraining", tmp_path, max_position_embeddings=LENGTH, **sizes)
    tokens, lengths, pairs = ids(), torch.tensor([24, 11, 17]), torch.tensor([0, 1, 1])
    at = torch.arange(LENGTH)
    asked = (torch.rand(3, LENGTH, generator=torch.Generator().manual_seed(2)) < 0.3) & (at < lengths[:, None])
    targets, segments = ids().roll(1, 1).where(asked, IGNORED), (at >= 6).long().expand(3, -1)
    with torch.no_grad():
        wanted = theirs(
            tokens,
            token_type_ids=segments,
            attention_mask=(at < lengths[:, None]).long(),
            labels=targets,
            next_sentence_label=pairs,
        ).loss
        batch = Batch(tokens, targets, segments=segments, lengths=lengths, pairs=pairs)
        terms = Masked().loss(ours.core, batch).terms
    assert float(sum(total / count for total, count in terms.values())) == pytest.approx(float(wanted), rel=1e-5)
