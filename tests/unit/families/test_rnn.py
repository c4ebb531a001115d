from __future__ import annotations

from dataclasses import replace

import pytest

from unmask.base.errors import CheckpointError, SpecError
from unmask.core.places import parameter_places
from unmask.families.fields import Fields
from unmask.families.rnn import ATTENTION, RNNSize, from_hub, hub_rules, rnn, to_hub

SIZE = RNNSize(width=8, depth=2, vocab=30, context=12)
SIZES = [
    *[replace(SIZE, attention=attention) for attention in ATTENTION],
    replace(SIZE, target_vocab=20, tied=False, bidirectional=False, cell="lstm"),
    replace(SIZE, alignment="general", distribution="sparsemax", window="local-p", reach=3),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_spec_comes_back_from_its_configuration(size: RNNSize):
    assert from_hub(Fields("config.json", to_hub(rnn(size)))) == rnn(size)


def test_two_vocabularies_are_those_of_what_is_read_and_what_is_written():
    model = rnn(replace(SIZE, target_vocab=20)).build()
    assert (model.encoder.embedding.tokens.num_embeddings, model.vocab, model.head.out_features) == (30, 20, 20)


@pytest.mark.parametrize("size", SIZES)
def test_every_weight_goes_out_and_comes_in_under_its_own_name(size: RNNSize):
    spec = rnn(size)
    names = list(parameter_places(spec.build()))
    plan, _ = hub_rules(spec).plan(names, names)
    assert {theirs: ours for theirs, (_, ours) in plan.items()} == {name: (name,) for name in names}
    assert [theirs for theirs, _, _ in hub_rules(spec).outward(names)] == names


def test_a_word_of_the_configuration_that_is_not_known_is_refused():
    with pytest.raises(CheckpointError, match="'alignment' is 'bilinear'.*known are additive, dot"):
        from_hub(Fields("config.json", to_hub(rnn(SIZE)) | {"alignment": "bilinear"}))


def test_a_kind_of_attention_that_is_not_known_is_refused():
    with pytest.raises(SpecError, match="attention is 'loung'.*Did you mean 'luong'"):
        rnn(replace(SIZE, attention="loung"))
