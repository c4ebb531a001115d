"""Encoder-decoders against transformers' Marian on random tiny models."""

from __future__ import annotations

import json
import warnings
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from torch import Tensor, nn

import unmask
from tests.marian_folder import write_marian_files
from tests.parity.test_families import close
from tests.tiny_encoder import write_tokenizer
from unmask.base.errors import ArchitectureError, CheckpointError, RequestError, SpecError
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
    "a vocabulary each": COMMON
    | {"share_encoder_decoder_embeddings": False, "vocab_size": 120, "decoder_vocab_size": VOCAB},
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
    given = dict(marian.hub_rules(pair[0].spec).give(gradients))
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
    save_seq2seq(
        LoadedSeq2Seq("marian", spec, model, tokenizer, tokenizer, start, ends=tokenizer.ends, pad=tokenizer.pad),
        tmp_path / "out",
    )
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


@pytest.mark.parametrize("apart", [False, True])
def test_a_folder_as_it_is_published_reads_and_writes_with_its_own_tokenizers(tmp_path: Path, apart: bool):
    write_marian_files(tmp_path, apart=apart)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends a package that it does not use
        reader = transformers.MarianTokenizer.from_pretrained(tmp_path)
    pad = json.loads((tmp_path / ("target_vocab.json" if apart else "vocab.json")).read_text())["<pad>"]
    sizes = {
        "share_encoder_decoder_embeddings": not apart,
        "vocab_size": reader.vocab_size,
        "decoder_vocab_size": len(reader.decoder),
    }
    special = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": 0, "forced_eos_token_id": 0}
    torch.manual_seed(0)
    theirs = transformers.MarianMTModel(transformers.MarianConfig(**COMMON | sizes | special)).eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    theirs.generation_config.bad_words_ids = [[pad]]
    theirs.save_pretrained(tmp_path)
    text = "A dog is in the park."
    with torch.no_grad():
        ids = theirs.generate(**reader(text, return_tensors="pt"), max_new_tokens=8, num_beams=1)[0].tolist()
    for folder in (tmp_path, tmp_path / "saved"):
        ours = load_seq2seq(folder, dtype=None, device=CPU)
        assert (ours.start, ours.ends, ours.never) == (pad, {0}, {pad})
        assert ours.advice["forced_eos_token_id"] == 0
        assert ours.source is not None
        assert ours.target is not None
        tokens, last, said = torch.tensor([ours.source.encode(text).ids]), pad, list[int]()
        memory, cache = ours.model.encode(tokens), ours.model.cache(batch=1, capacity=8, memory=tokens.shape[1])
        while last not in ours.ends and len(said) < 7:
            scores = ours.model.logits(torch.tensor([[last]]), memory, cache=cache)[0, -1]
            scores[pad] = -torch.inf
            last = int(scores.argmax())
            said.append(last)
        # The last token is the end, whatever the model would have written there.
        assert [pad, *said[:7]] == ids[:8]
        wanted = "".join(reader.decoder[each] for each in ids if each not in (0, pad))
        assert ours.target.decode(ids) == wanted.replace("▁", " ").strip()
        save_seq2seq(ours, tmp_path / "saved")


def test_a_norm_before_each_sublayer_cannot_be_said_in_that_layout():
    side = StackSize(depth=1, heads=2, hidden=32)
    spec = original(OriginalSize(16, side, side, vocab=50, context=32, residual=Pre()))
    with pytest.raises(SpecError, match="layout of Marian has no words for this model"):
        marian.to_hub(spec)


@pytest.mark.parametrize(("name", "value"), [("normalize_before", True), ("tie_word_embeddings", False)])
def test_what_would_compute_otherwise_is_refused(
    pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path, name: str, value: bool
):
    (tmp_path / "model.safetensors").symlink_to(pair[2] / "model.safetensors")
    config = json.loads((pair[2] / "config.json").read_text()) | {name: value}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"'{name}' is {value}"):
        load_seq2seq(tmp_path, dtype=None, device=CPU)


def test_the_verbs_that_cannot_use_it_say_so(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    with pytest.raises(ArchitectureError, match=r"model_type is 'marian', an encoder-decoder.*unmask translate"):
        unmask.load(pair[2])


def test_another_architecture_is_no_encoder_decoder(tiny_folder: Path):
    with pytest.raises(ArchitectureError, match="is of model_type 'llama', none of the encoder-decoders.*marian"):
        load_seq2seq(tiny_folder, dtype=None, device=CPU)


def test_weights_can_be_had_in_fewer_bits(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    narrow = load_seq2seq(pair[2], dtype=torch.bfloat16, device=CPU)
    assert narrow.model.dtype == torch.bfloat16
    whole = pair[0].model.state_dict()
    assert all(torch.equal(each, whole[name].bfloat16()) for name, each in narrow.model.state_dict().items())
    assert replace(narrow, model=pair[0].model).spec == pair[0].spec


def test_eight_bits_come_near_and_are_saved_as_they_are(pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path):
    ours, _, folder = pair
    narrow = load_seq2seq(folder, dtype=None, device=CPU, quantize="int8")
    assert not any(type(part) is nn.Linear for part in narrow.model.modules())
    tables = [side.embedding.tokens for side in (narrow.model.encoder, narrow.model.decoder)]
    assert (tables[0] is tables[1]) == narrow.spec.shared
    save_seq2seq(narrow, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    with torch.no_grad():
        exact, rounded = our_logits(ours.model), our_logits(narrow.model)
        assert (rounded - exact).norm() < 0.1 * exact.norm()
        assert not torch.equal(rounded, exact)
        assert torch.equal(our_logits(again.model), rounded)


def test_cached_steps_in_eight_bits_equal_one_pass(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    model = load_seq2seq(pair[2], dtype=None, device=CPU, quantize="int8").model
    cache = model.cache(batch=3, capacity=15, memory=20)
    with torch.no_grad():
        memory = model.encode(ids(20), lengths=LENGTHS)
        steps = [model.logits(part, memory, lengths=LENGTHS, cache=cache) for part in ids(15).split(1, dim=1)]
        close(torch.cat(steps, dim=1), model.logits(ids(15), memory, lengths=LENGTHS))


def test_a_scheme_for_what_is_quantized_already_is_refused(pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path):
    save_seq2seq(load_seq2seq(pair[2], dtype=None, device=CPU, quantize="int8"), tmp_path)
    with pytest.raises(RequestError, match="is quantized already, as int8"):
        load_seq2seq(tmp_path, dtype=None, device=CPU, quantize="int4")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"eos_token_id": [1, 97]}, "names token 97, and the model writes 97"),
        ({"decoder_start_token_id": -1}, "names token -1, and"),
        ({"bad_words_ids": [[0], [2, 3]]}, r"bad_words_ids holds \[2, 3\]; only lists of one"),
        ({"bad_words_ids": 3}, "bad_words_ids holds 3; only lists of one"),
    ],
)
def test_tokens_that_cannot_be_are_refused(
    pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path, said: dict[str, object], message: str
):
    for file in pair[2].iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "generation_config.json").unlink()
    (tmp_path / "generation_config.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match=message):
        load_seq2seq(tmp_path, dtype=None, device=CPU)


def test_what_the_makers_say_of_writing_is_kept(pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path):
    ours = replace(pair[0], never=frozenset({0}), advice={"num_beams": 6, "forced_eos_token_id": 1})
    save_seq2seq(ours, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    assert (again.start, again.ends, again.pad, again.never) == (0, {1}, 0, {0})
    assert again.advice == ours.advice
    theirs = transformers.GenerationConfig.from_pretrained(tmp_path)
    assert (theirs.bad_words_ids, theirs.num_beams, theirs.forced_eos_token_id) == ([[0]], 6, 1)
