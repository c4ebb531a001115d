"""Every encoder against transformers on random tiny models, saved by transformers and loaded by us."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

import unmask
from tests.parity.test_families import CASES as DECODERS
from tests.parity.test_families import close
from tests.tiny_encoder import write_tokenizer
from tests.watched import check_weights
from unmask.base.errors import SpecError
from unmask.core.masks import Full, RightPadding
from unmask.core.trace import Watch, trace
from unmask.families import FAMILIES
from unmask.families.save_gguf import save_gguf
from unmask.text.formats import read_folder

VOCAB, LENGTH = 97, 40
COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
# Class of transformers -> settings of its configuration.
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "bert, all heads": ("BertForPreTraining", COMMON),
    "bert, all heads, untied": ("BertForPreTraining", COMMON | {"tie_word_embeddings": False}),
    "bert, blanks only": ("BertForMaskedLM", COMMON | {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}),
    "bert, pairs only": ("BertForNextSentencePrediction", COMMON),
    "bert, trunk": ("BertModel", COMMON | {"type_vocab_size": 3, "hidden_act": "relu"}),
    "roberta, blanks": ("RobertaForMaskedLM", COMMON | {"pad_token_id": 1, "type_vocab_size": 1}),
    "roberta, blanks, untied": ("RobertaForMaskedLM", COMMON | {"type_vocab_size": 1, "tie_word_embeddings": False}),
    "roberta, trunk": ("RobertaModel", COMMON | {"type_vocab_size": 1}),
    "xlm-roberta, blanks": ("XLMRobertaForMaskedLM", COMMON | {"type_vocab_size": 1}),
}


@pytest.fixture(scope="module", params=CASES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[unmask.Model, nn.Module, Path]:
    """(ours, theirs, folder) of one random tiny model; ours loaded from what theirs saved."""
    name, settings = CASES[request.param]
    torch.manual_seed(0)
    kind = getattr(transformers, name)
    theirs = kind._from_config(kind.config_class(**settings), attn_implementation="eager").eval()
    for parameter in theirs.parameters():  # far from the usual near-zero start, where mistakes would hide
        nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("model")
    theirs.save_pretrained(folder)
    return unmask.load(folder), theirs, folder


def ids(rows: int = 2) -> Tensor:
    return torch.randint(3, VOCAB, (rows, LENGTH), generator=torch.Generator().manual_seed(1))


def segments(ours: unmask.Model) -> Tensor:
    """The second half of each row is a second text, where the model tells texts apart."""
    second = torch.arange(LENGTH) >= LENGTH // 2
    return (second & (ours.spec.embedding.segments != 1)).long().expand(2, -1)


def test_every_family_is_held_against_transformers():
    decoders = {getattr(transformers, f"{name}Config").model_type for name, _ in DECODERS.values()}
    encoders = {getattr(transformers, name).config_class.model_type for name, _ in CASES.values()}
    # What transformers calls "glm" is GLM-4; the first one is held against golden numbers (test_glm.py).
    assert {family.hub.name for family in FAMILIES} == decoders | encoders | {"glm"}


def test_hidden_states_equal_transformers(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    trunk = getattr(theirs, theirs.base_model_prefix, theirs)
    with torch.no_grad():
        wanted = trunk(ids(), token_type_ids=segments(ours))
        hidden = ours.core(ids(), segments=segments(ours))
        close(hidden, wanted.last_hidden_state)
        if wanted.pooler_output is not None:
            close(ours.core.summary(hidden), wanted.pooler_output)


def test_heads_equal_transformers(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    with torch.no_grad():
        wanted = theirs(ids(), token_type_ids=segments(ours))
        hidden = ours.core(ids(), segments=segments(ours))
        blanks = wanted.get("prediction_logits", wanted.get("logits") if ours.spec.head else None)
        pairs = wanted.get("seq_relationship_logits", None if ours.spec.head else wanted.get("logits"))
        assert (blanks is None) == (ours.core.head is None)
        assert (pairs is None) == (ours.spec.summary is None or ours.spec.summary.classes is None)
        if blanks is not None:
            close(ours.core.head(hidden), blanks)
            close(ours.logits(ids()), theirs(ids()).get("prediction_logits", theirs(ids()).get("logits")))
        if pairs is not None:
            close(ours.core.summary.classes(ours.core.summary(hidden)), pairs)


def test_watched_attention_is_that_of_eager_transformers(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    trunk = getattr(theirs, theirs.base_model_prefix, theirs)
    lengths = torch.tensor([11, LENGTH])
    padded = torch.arange(LENGTH) >= lengths[:, None]
    kept = trace(ours.core, ids(), Watch(), segments=segments(ours), mask=Full() & RightPadding(lengths))
    with torch.no_grad():
        wanted = trunk(ids(), token_type_ids=segments(ours), attention_mask=(~padded).long(), output_attentions=True)
    check_weights(kept, wanted.attentions)
    assert all(not weights[0, :, :, 11:].any() for weights in kept.weights.values())


def test_gradients_equal_transformers(pair: tuple[unmask.Model, nn.Module, Path]):
    # In float64: after random norms attention is nearly flat, and its float32 gradients are mostly rounding.
    model, theirs = pair[0], deepcopy(pair[1]).double()
    ours, trunk = deepcopy(model.core).double(), getattr(theirs, theirs.base_model_prefix, theirs)
    weights = torch.randn(2, LENGTH, 32, generator=torch.Generator().manual_seed(2))
    (trunk(ids(), token_type_ids=segments(model)).last_hidden_state * weights).sum().backward()
    (ours(ids(), segments=segments(model)) * weights).sum().backward()
    family = next(each for each in FAMILIES if each.name == model.family)
    gradients = {name: each.grad for name, each in ours.named_parameters() if each.grad is not None}
    given = dict(family.hub.rules(model.spec).give(gradients))
    stored = {name: each.grad for name, each in theirs.named_parameters(remove_duplicate=False)}
    assert len(given) == len([each for each in theirs.parameters() if each.grad is not None])
    for name, gradient in given.items():
        if "key.bias" not in name:  # it changes no attention: its gradient is nothing but rounding
            close(gradient, stored[name])


def test_a_checkpoint_goes_in_and_out_bit_for_bit(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, _, folder = pair
    family = next(each for each in FAMILIES if each.name == ours.family)
    given = dict(family.hub.rules(ours.spec).give(dict(ours.core.named_parameters())))
    stored = load_file(folder / "model.safetensors")
    assert stored.keys() - given.keys() <= set(ours.report.ignored)
    assert given.keys() <= stored.keys()
    for name, tensor in given.items():
        assert torch.equal(tensor, stored[name]), name


def test_a_saved_folder_is_the_same_model_to_transformers_and_to_us(
    pair: tuple[unmask.Model, nn.Module, Path], tmp_path: Path
):
    ours, theirs, _ = pair
    ours.save(tmp_path)
    assert unmask.load(tmp_path).spec == ours.spec
    again, info = type(theirs).from_pretrained(tmp_path, attn_implementation="eager", output_loading_info=True)
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    # An untied head has a bias of its own; transformers keeps this one beside it and does not use it.
    assert set(info["missing_keys"]) <= ({"cls.predictions.bias", "lm_head.bias"} & set(ours.report.ignored))
    assert again.config.architectures == theirs.config.architectures
    with torch.no_grad():
        for mine, wanted in zip(again(ids()).values(), theirs(ids()).values(), strict=True):
            assert torch.equal(mine, wanted)


def test_a_gguf_file_of_it_is_the_same_trunk(pair: tuple[unmask.Model, nn.Module, Path], tmp_path: Path):
    ours, _, _ = pair
    write_tokenizer(tmp_path)
    loaded = replace(ours.loaded, tokenizer=read_folder(tmp_path))  # GGUF wants one, and these models have none
    if ours.spec.blocks[0].feedforward.activation != "gelu":
        with pytest.raises(SpecError, match="bert has no way to say .* another activation than gelu"):
            save_gguf(loaded, tmp_path / "model.gguf", name="tiny", format_name="f32")
        return
    left_out = save_gguf(loaded, tmp_path / "model.gguf", name="tiny", format_name="f32")
    assert {name.split(".")[0] for name in left_out} <= {"head", "summary"}
    again = unmask.load(tmp_path / "model.gguf")
    with torch.no_grad():
        close(again.core(ids(), segments=segments(ours)), ours.core(ids(), segments=segments(ours)))


def test_padding_on_the_right_changes_nothing(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    trunk = getattr(theirs, theirs.base_model_prefix, theirs)
    lengths = [11, LENGTH]
    with torch.no_grad():
        hidden = ours.core(ids(), mask=ours.spec.mask & RightPadding(torch.tensor(lengths)))
        for i, length in enumerate(lengths):
            close(hidden[i, :length], trunk(ids()[i : i + 1, :length]).last_hidden_state[0])
