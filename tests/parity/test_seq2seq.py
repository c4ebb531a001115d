"""Encoder-decoders against transformers' Marian on random tiny models."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from torch import Tensor, nn

import unmask
from tests.parity.test_families import close
from tests.tiny_encoder import write_tokenizer
from unmask.base.errors import ArchitectureError, CheckpointError, SpecError
from unmask.core.residual import Pre
from unmask.core.seq2seq import Seq2Seq
from unmask.families import marian
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq, save_seq2seq
from unmask.text.formats import read_folder

CPU = torch.device("cpu")
VOCAB = 97
COMMON = {
    "vocab_size": VOCAB,
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 56,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "forced_eos_token_id": 1,
    "decoder_start_token_id": 0,
}
CASES: dict[str, dict[str, object]] = {
    "as OPUS-MT has it": COMMON | {"activation_function": "swish", "scale_embedding": True},
    "unscaled, relu": COMMON | {"activation_function": "relu"},
}
LENGTHS = torch.tensor([20, 7, 13])


@pytest.fixture(scope="module", params=CASES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadedSeq2Seq, nn.Module, Path]:
    """(ours, theirs, folder) of one random tiny model; ours loaded from what theirs saved."""
    torch.manual_seed(0)
    config = transformers.MarianConfig(**CASES[request.param])
    theirs = transformers.MarianMTModel._from_config(config, attn_implementation="eager").eval()
    for name, parameter in theirs.named_parameters():  # far from the usual near-zero start, where mistakes would hide
        if "embed_positions" not in name:
            nn.init.normal_(parameter, std=0.3)
    theirs.final_logits_bias.normal_()
    folder = tmp_path_factory.mktemp("marian")
    theirs.save_pretrained(folder)
    return load_seq2seq(folder, dtype=None, device=CPU), theirs, folder


def ids(length: int) -> Tensor:
    return torch.randint(2, VOCAB, (3, length), generator=torch.Generator().manual_seed(length))


def their_logits(theirs: nn.Module) -> Tensor:
    real = (torch.arange(20) < LENGTHS[:, None]).long()
    logits: Tensor = theirs(input_ids=ids(20), attention_mask=real, decoder_input_ids=ids(15)).logits
    return logits


def our_logits(ours: Seq2Seq) -> Tensor:
    return ours.logits(ids(15), ours.encode(ids(20), lengths=LENGTHS), lengths=LENGTHS)


def test_logits_are_equal(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    ours, theirs, _ = pair
    assert ours.start == 0
    with torch.no_grad():
        close(our_logits(ours.model), their_logits(theirs))


def test_what_the_encoder_leaves_is_equal(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    ours, theirs, _ = pair
    real = (torch.arange(20) < LENGTHS[:, None]).long()
    with torch.no_grad():
        memory = ours.model.encode(ids(20), lengths=LENGTHS)
        wanted = theirs.get_encoder()(input_ids=ids(20), attention_mask=real).last_hidden_state
        for row, length in enumerate(LENGTHS.tolist()):
            close(memory[row, :length], wanted[row, :length])


def test_loss_and_gradients_are_equal(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    # In float64: the norms after each sum leave gradients of which float32 rounding is more than 1e-5.
    ours, theirs = deepcopy(pair[0].model).double(), deepcopy(pair[1]).double()
    targets = ids(15).flatten()
    wanted = F.cross_entropy(their_logits(theirs).flatten(0, 1), targets)
    wanted.backward()
    loss = F.cross_entropy(our_logits(ours).flatten(0, 1), targets)
    loss.backward()
    close(loss, wanted)
    gradients = {name: each.grad for name, each in ours.named_parameters()}
    given = dict(marian.hub_rules().give(gradients))
    expected = {name: each.grad for name, each in theirs.named_parameters() if each.grad is not None}
    # Theirs does not learn the bias of the scores.
    assert given.keys() - {"final_logits_bias"} == expected.keys()
    for name, gradient in expected.items():
        if "k_proj.bias" not in name:  # it changes no attention: its gradient is nothing but rounding
            close(given[name], gradient)


def test_a_saved_folder_is_the_same_model_to_transformers_and_to_us(
    pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path
):
    ours, theirs, _ = pair
    save_seq2seq(ours, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    assert (again.spec, again.start) == (ours.spec, ours.start)
    other, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        assert torch.equal(their_logits(other), their_logits(theirs))
        assert torch.equal(our_logits(again.model), our_logits(ours.model))


def test_what_we_made_is_saved_with_its_tokenizer_and_translates_in_transformers(tmp_path: Path):
    write_tokenizer(tmp_path)
    tokenizer = read_folder(tmp_path)
    assert tokenizer is not None
    side = StackSize(depth=2, heads=4, hidden=64)
    spec = original(OriginalSize(32, side, side, vocab=tokenizer.size, context=64))
    torch.manual_seed(0)
    model = spec.build().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    start = tokenizer.pad
    save_seq2seq(LoadedSeq2Seq(spec, model, tokenizer, start), tmp_path / "out")
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    source, written = torch.tensor([[5, 6, 7]]), torch.tensor([[start]])
    with torch.no_grad():
        wanted = theirs.generate(source, max_new_tokens=6, num_beams=1, do_sample=False, forced_eos_token_id=None)
        memory = model.encode(source)
        for _ in range(wanted.shape[1] - 1):
            best = model.logits(written, memory)[:, -1].argmax(dim=-1)
            written = torch.cat([written, best[:, None]], dim=1)
    assert written.tolist() == wanted.tolist()
    text = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")("hello").input_ids
    assert tuple(text) == tokenizer.encode("hello").ids


def test_a_norm_before_each_sublayer_cannot_be_said_in_that_layout():
    side = StackSize(depth=1, heads=2, hidden=32)
    spec = original(OriginalSize(16, side, side, vocab=50, context=32, residual=Pre()))
    with pytest.raises(SpecError, match="layout of Marian has no words for this model"):
        marian.to_hub(spec)


@pytest.mark.parametrize(("name", "value"), [("normalize_before", True), ("tie_word_embeddings", False)])
def test_what_would_compute_otherwise_is_refused(
    pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path, name: str, value: bool
):
    config = json.loads((pair[2] / "config.json").read_text()) | {name: value}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"'{name}' is {value}"):
        load_seq2seq(tmp_path, dtype=None, device=CPU)


def test_the_verbs_that_cannot_use_it_say_so(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    with pytest.raises(ArchitectureError, match=r"model_type is 'marian', an encoder-decoder.*neither talk"):
        unmask.load(pair[2])


def test_another_architecture_is_no_encoder_decoder(tiny_folder: Path):
    with pytest.raises(ArchitectureError, match="is of model_type 'llama'; of encoder-decoders, 'marian' is the one"):
        load_seq2seq(tiny_folder, dtype=None, device=CPU)


def test_weights_can_be_had_in_fewer_bits(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    narrow = load_seq2seq(pair[2], dtype=torch.bfloat16, device=CPU)
    assert narrow.model.dtype == torch.bfloat16
    whole = pair[0].model.state_dict()
    assert all(torch.equal(each, whole[name].bfloat16()) for name, each in narrow.model.state_dict().items())
    assert replace(narrow, model=pair[0].model).spec == pair[0].spec
