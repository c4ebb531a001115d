"""T5 against transformers' on random tiny models, with the tied head of the first version and the gates of 1.1."""

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

from tests.parity.test_families import close
from unmask.base.errors import SpecError
from unmask.core.positions import RelativeSpec
from unmask.core.seq2seq import Seq2Seq
from unmask.core.trace import Watch, trace
from unmask.families import t5, t5_rules
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq, save_seq2seq

CPU = torch.device("cpu")
VOCAB = 97
COMMON = {
    "vocab_size": VOCAB,
    "d_model": 24,
    "d_kv": 5,
    "num_heads": 4,
    "d_ff": 40,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 12,
    "decoder_start_token_id": 0,
}
CASES: dict[str, dict[str, object]] = {
    "as first published": COMMON,
    "version 1.1": COMMON | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
}
LENGTHS = torch.tensor([20, 7, 13])


@pytest.fixture(scope="module", params=CASES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadedSeq2Seq, nn.Module, Path]:
    """(ours, theirs, folder) of one random tiny model; ours loaded from what theirs saved."""
    torch.manual_seed(0)
    config = transformers.T5Config(**CASES[request.param])
    theirs = transformers.T5ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    if not config.scale_decoder_outputs:  # its own head, as it is in the published weights
        theirs.lm_head.weight = nn.Parameter(torch.empty(VOCAB, 24))
    for parameter in theirs.parameters():  # far from the usual near-zero start, where mistakes would hide
        nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("t5")
    theirs.save_pretrained(folder)
    return load_seq2seq(folder, dtype=None, device=CPU), theirs, folder


def ids(length: int) -> Tensor:
    return torch.randint(2, VOCAB, (3, length), generator=torch.Generator().manual_seed(length))


def their_logits(theirs: nn.Module) -> Tensor:
    real = (torch.arange(20) < LENGTHS[:, None]).long()
    logits: Tensor = theirs(input_ids=ids(20), attention_mask=real, decoder_input_ids=ids(30)).logits
    return logits


def our_logits(ours: Seq2Seq) -> Tensor:
    return ours.logits(ids(30), ours.encode(ids(20), lengths=LENGTHS), lengths=LENGTHS)


def test_logits_are_equal(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    ours, theirs, _ = pair
    assert (ours.start, ours.pad, ours.ends) == (0, 0, {1})
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
    ours, theirs = deepcopy(pair[0].model).double(), deepcopy(pair[1]).double()
    targets = ids(30).flatten()
    wanted = F.cross_entropy(their_logits(theirs).flatten(0, 1), targets)
    wanted.backward()
    loss = F.cross_entropy(our_logits(ours).flatten(0, 1), targets)
    loss.backward()
    close(loss, wanted)
    gradients = {name: each.grad for name, each in ours.named_parameters()}
    given = dict(t5_rules.hub_rules(pair[0].spec).give(gradients))
    expected = {name: each.grad for name, each in theirs.named_parameters()}
    assert given.keys() == expected.keys()
    for name, gradient in expected.items():
        close(given[name], gradient)


def test_cached_steps_equal_one_pass(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    model = pair[0].model
    cache = model.cache(batch=3, capacity=30, memory=20)
    with torch.no_grad():
        memory = model.encode(ids(20), lengths=LENGTHS)
        parts = ids(30).split([4, *[1] * 20, 6], dim=1)
        steps = [model.logits(part, memory, lengths=LENGTHS, cache=cache) for part in parts]
        close(torch.cat(steps, dim=1), model.logits(ids(30), memory, lengths=LENGTHS))


def test_attention_that_is_watched_is_that_of_transformers(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    ours, theirs, _ = pair
    with torch.no_grad():
        wanted = theirs.get_encoder()(input_ids=ids(20), output_attentions=True).attentions
    kept = trace(ours.model.encoder, ids(20), Watch())
    for layer, weights in enumerate(wanted):
        close(kept.weights[layer], weights)


def test_a_saved_folder_is_the_same_model_to_transformers_and_to_us(
    pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path
):
    ours, theirs, _ = pair
    save_seq2seq(ours, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    assert (again.spec, again.start, again.ends) == (ours.spec, ours.start, ours.ends)
    other, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        close(their_logits(other), their_logits(theirs))
        assert torch.equal(our_logits(again.model), our_logits(ours.model))


def test_eight_bits_come_near_and_are_saved_as_they_are(pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path):
    ours, _, folder = pair
    narrow = load_seq2seq(folder, dtype=None, device=CPU, quantize="int8")
    save_seq2seq(narrow, tmp_path)
    again = load_seq2seq(tmp_path, dtype=None, device=CPU)
    with torch.no_grad():
        exact, rounded = our_logits(ours.model), our_logits(narrow.model)
        assert (rounded - exact).norm() < 0.1 * exact.norm()
        assert torch.equal(our_logits(again.model), rounded)


def test_greedy_text_is_that_of_transformers(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    ours, theirs, _ = pair
    written = torch.tensor([[0]])
    with torch.no_grad():
        wanted = theirs.generate(ids(20)[:1], max_new_tokens=12, num_beams=1, do_sample=False)
        memory = ours.model.encode(ids(20)[:1])
        for _ in range(wanted.shape[1] - 1):
            best = ours.model.logits(written, memory)[:, -1].argmax(dim=-1)
            written = torch.cat([written, best[:, None]], dim=1)
    assert written.tolist() == wanted.tolist()


@pytest.mark.parametrize("both", [True, False])
def test_distances_are_put_into_the_buckets_of_transformers(both: bool):
    theirs = transformers.models.t5.modeling_t5.T5Attention._relative_position_bucket
    distance = torch.arange(-300, 301)
    for buckets, reach in ((32, 128), (8, 12), (4, 2)):
        wanted = theirs(distance, bidirectional=both, num_buckets=buckets, max_distance=max(reach, 3))
        assert torch.equal(RelativeSpec(buckets, max(reach, 3), both).bucket(distance), wanted)


@pytest.mark.parametrize(("buckets", "reach", "both"), [(2, 128, True), (1, 128, False), (32, 8, True)])
def test_buckets_that_cannot_be_are_refused(buckets: int, reach: int, both: bool):
    with pytest.raises(SpecError, match=f"{buckets} buckets cannot hold relative positions up to {reach}"):
        RelativeSpec(buckets, reach, both)


def test_another_wiring_cannot_be_said_in_that_layout(pair: tuple[LoadedSeq2Seq, nn.Module, Path]):
    side = StackSize(depth=1, heads=2, hidden=32)
    spec = pair[0].spec
    for other in (
        original(OriginalSize(16, side, side, vocab=50, context=32)),
        replace(spec, shared=False),
        replace(spec, decoder=replace(spec.decoder, context=8)),
    ):
        with pytest.raises(SpecError, match="The layout of T5 has no words for"):
            t5.to_hub(other)


def test_other_projections_are_refused_by_name(pair: tuple[LoadedSeq2Seq, nn.Module, Path], tmp_path: Path):
    (tmp_path / "model.safetensors").symlink_to(pair[2] / "model.safetensors")
    config = json.loads((pair[2] / "config.json").read_text()) | {"feed_forward_proj": "gated-tanh"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(Exception, match="'feed_forward_proj' is 'gated-tanh', which is not supported"):
        load_seq2seq(tmp_path, dtype=None, device=CPU)
