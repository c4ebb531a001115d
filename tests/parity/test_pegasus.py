"""Pegasus, Marian's layout with the norms first, against transformers' on random tiny models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor, nn

from tests.parity.test_families import close
from tests.parity.test_seq2seq import COMMON, VOCAB
from unmask.base.errors import SpecError
from unmask.core.residual import Pre
from unmask.families import pegasus
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.seq2seq import load_seq2seq, save_seq2seq

CPU = torch.device("cpu")
LENGTHS = torch.tensor([20, 7, 13])
SIDE = StackSize(depth=1, heads=2, hidden=32)
SIZE = OriginalSize(16, SIDE, SIDE, vocab=50, context=32)


def ids(length: int) -> Tensor:
    return torch.randint(2, VOCAB, (3, length), generator=torch.Generator().manual_seed(length))


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(0)
    config = transformers.PegasusConfig(**COMMON | {"activation_function": "relu", "scale_embedding": True})
    made = transformers.PegasusForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    for name, parameter in made.named_parameters():
        if "embed_positions" not in name:
            nn.init.normal_(parameter, std=0.3)
    made.final_logits_bias.normal_()
    return made


def their_logits(theirs: nn.Module) -> Tensor:
    real = (torch.arange(20) < LENGTHS[:, None]).long()
    logits: Tensor = theirs(input_ids=ids(20), attention_mask=real, decoder_input_ids=ids(15)).logits
    return logits


def test_logits_are_equal_and_a_saved_folder_is_the_same_model(theirs: nn.Module, tmp_path: Path):
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_seq2seq(tmp_path / "theirs", dtype=None, device=CPU)
    with torch.no_grad():
        memory = ours.model.encode(ids(20), lengths=LENGTHS)
        close(ours.model.logits(ids(15), memory, lengths=LENGTHS), their_logits(theirs))
    save_seq2seq(ours, tmp_path / "ours")
    assert load_seq2seq(tmp_path / "ours", dtype=None, device=CPU).spec == ours.spec
    other, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path / "ours", attn_implementation="eager", output_loading_info=True
    )
    assert not info["unexpected_keys"]
    # They follow from the sizes.
    assert info["missing_keys"] == {f"model.{side}.embed_positions.weight" for side in ("encoder", "decoder")}
    with torch.no_grad():
        assert torch.equal(their_logits(other), their_logits(theirs))


def test_norms_after_the_sums_cannot_be_said_in_that_layout():
    with pytest.raises(SpecError, match="The layout of Pegasus has no words for this model"):
        pegasus.to_hub(original(SIZE))


def test_two_vocabularies_cannot_be_said_in_that_layout():
    with pytest.raises(SpecError, match="Pegasus has one vocabulary for both texts"):
        pegasus.to_hub(original(replace(SIZE, residual=Pre(), target_vocab=40)))
