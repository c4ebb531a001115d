from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
import torch

from unmask.base.errors import SpecError
from unmask.core.heads import SummarySpec
from unmask.core.masks import Full, Window
from unmask.core.seq2seq import Seq2SeqSpec
from unmask.core.transformer import TransformerSpec
from unmask.families import FAMILIES
from unmask.families.fields import Fields
from unmask.families.scales import MAKERS, dial, dial_seq2seq
from unmask.families.sizes import SIZES, sized, sized_seq2seq


@dataclass(frozen=True)
class Told:
    """A weight file of which only the names are asked."""

    tensors: Mapping[str, None]


HEADS = ("cls.predictions.transform.dense.weight", "cls.seq_relationship.weight", "pooler.dense.weight")


def parameters(spec: TransformerSpec | Seq2SeqSpec) -> int:
    with torch.device("meta"):
        return sum(each.numel() for each in spec.build().parameters())


@pytest.mark.parametrize(
    ("name", "count"),
    [  # of the released weights
        ("gpt1", 116_534_784),
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
        ("llama-7b", 6_738_415_616),
        ("llama-13b", 13_015_864_320),
        ("llama-33b", 32_528_943_616),
        ("llama-65b", 65_285_660_672),
    ],
)
def test_a_released_model_has_as_many_parameters(name: str, count: int):
    assert parameters(sized(name)) == count


@pytest.mark.parametrize(("name", "count"), [("bert-base", 109_482_240), ("bert-large", 335_141_888)])
def test_bert_without_its_heads_has_as_many_parameters_as_the_release(name: str, count: int):
    assert parameters(replace(sized(name), head=None, summary=SummarySpec())) == count


@pytest.mark.parametrize(
    ("name", "millions"),
    [  # as the papers round them
        ("gpt3-125m", 125),
        ("gpt3-350m", 350),
        ("gpt3-760m", 760),
        ("gpt3-1.3b", 1_300),
        ("gpt3-2.7b", 2_700),
        ("gpt3-6.7b", 6_700),
        ("gpt3-13b", 13_000),
        ("gpt3-175b", 175_000),
        ("glm-base", 110),
        ("glm-large", 335),
        ("glm-10b", 10_000),
    ],
)
def test_a_papers_model_has_about_as_many_parameters(name: str, millions: int):
    assert parameters(sized(name)) / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(("name", "millions"), [("transformer-base", 65), ("transformer-big", 213)])
def test_the_first_transformers_have_about_as_many_parameters(name: str, millions: int):
    assert parameters(sized_seq2seq(name)) / 1e6 == pytest.approx(millions, rel=0.03)


@pytest.mark.parametrize("name", SIZES)
def test_vocabulary_and_context_can_be_others_than_the_papers(name: str):
    spec = sized(name, vocab=1000, context=96)
    assert (spec.embedding.vocab, spec.context) == (1000, 96)
    assert len(spec.blocks) == len(sized(name).blocks)


@pytest.mark.parametrize("name", ["gpt1", "gpt2", "gpt3-125m", "bert-base", "glm-base", "llama-7b"])
def test_a_size_is_what_its_familys_folders_can_say(name: str):
    spec = sized(name, vocab=1000, context=96)
    family = next(each for each in FAMILIES if each.name == SIZES[name].family)
    with torch.device("meta"):
        shapes = {each: value.shape for each, value in spec.build().named_parameters()}
    given = [ours for _, ours, _ in family.hub.rules(spec).outward(list(shapes))]
    assert sorted(each for ours in given for each in ours) == sorted(shapes)
    config = Fields("config.json", family.hub.metadata(spec), source=Told(dict.fromkeys(HEADS)))
    assert family.hub.spec(config) == spec


@pytest.mark.parametrize("family", MAKERS)
def test_the_dial_makes_a_model_64_times_as_wide_as_deep(family: str):
    spec = dial(family, depth=3, vocab=100, context=32)
    assert (spec.width, len(spec.blocks), spec.context, spec.embedding.vocab) == (192, 3, 32, 100)
    assert all((block.attention.heads, block.attention.head_width) == (3, 64) for block in spec.blocks)


def test_the_dial_turns_both_sides_of_an_encoder_decoder():
    spec = dial_seq2seq(depth=2, vocab=100, context=32)
    for side in (spec.encoder, spec.decoder):
        assert (side.width, len(side.blocks), side.embedding.vocab) == (128, 2, 100)


def test_every_second_layer_of_a_gpt3_sees_a_window():
    masks = [block.attention.mask for block in sized("gpt3-125m").blocks]
    assert masks == [Full(), Window(256)] * 6


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(SpecError, match="Unknown size 'gpt2-meduim'.*Did you mean 'gpt2-medium'"):
        sized("gpt2-meduim")
    with pytest.raises(SpecError, match="Unknown size 'gpt2'; known are transformer-base, transformer-big"):
        sized_seq2seq("gpt2")
    with pytest.raises(SpecError, match="no dial for the family 'brt'.*Did you mean 'bert'"):
        dial("brt", depth=1, vocab=10, context=8)
    with pytest.raises(SpecError, match="A model of depth 0 has no layers"):
        dial("bert", depth=0, vocab=10, context=8)
