"""Beam search of encoder-decoders against transformers' own, on random tiny models and sources of mixed length."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import models
from torch import nn

from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq
from unmask.generation.rendering import Manner
from unmask.generation.search import Search
from unmask.generation.translate import translate
from unmask.text.tokenizer import Tokenizer

VOCAB, PAD, END = 61, 0, 1
IDS = {"pad_token_id": PAD, "eos_token_id": END, "decoder_start_token_id": PAD}
WORDS = Tokenizer(
    HubTokenizer(models.WordLevel({str(number): number for number in range(VOCAB)}, unk_token="0")),
    bos=None,
    pad=None,
    ends=frozenset({END}),
    specials={},
)


def marian() -> nn.Module:
    stacks = {"encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
    sizes = {"vocab_size": VOCAB, "d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
    return transformers.MarianMTModel(transformers.MarianConfig(**stacks, **sizes, **IDS, max_position_embeddings=64))


def t5() -> nn.Module:
    sizes = {"vocab_size": VOCAB, "d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 48, "num_layers": 2}
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes, **IDS))


@pytest.fixture(scope="module", params=[marian, t5])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedSeq2Seq, nn.Module]:
    torch.manual_seed(1)
    theirs, std = request.param().eval(), 0.25 if request.param is marian else 0.35
    for name, parameter in theirs.named_parameters():
        if "embed_positions" not in name and (parameter.dim() > 1 or request.param is t5):
            nn.init.normal_(parameter, std=std)
    if request.param is marian:
        theirs.final_logits_bias[0, END] = 2.8  # some of its translations then end at once, and some never
    folder: Path = tmp_path_factory.mktemp(request.param.__name__)
    theirs.save_pretrained(folder)
    return load_seq2seq(folder, dtype=None, device=torch.device("cpu")), theirs


SOURCES = [
    [*torch.randint(2, VOCAB, (length,), generator=torch.Generator().manual_seed(length)).tolist(), END]
    for length in (3, 17, 9, 9, 1, 12, 5, 20)
]


@pytest.mark.parametrize(("beams", "penalty", "limit"), [(4, 1.0, 15), (2, 0.6, 9), (6, 2.0, 12)])
@pytest.mark.parametrize("forced", [None, END])
def test_the_best_are_those_that_transformers_finds(
    pair: tuple[LoadedSeq2Seq, nn.Module], beams: int, penalty: float, limit: int, forced: int | None
):
    ours, theirs = pair
    longest = max(map(len, SOURCES))
    wanted = theirs.generate(
        torch.tensor([source + [PAD] * (longest - len(source)) for source in SOURCES]),
        attention_mask=torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in SOURCES]),
        num_beams=beams,
        num_return_sequences=2,
        length_penalty=penalty,
        early_stopping=False,
        max_new_tokens=limit,
        do_sample=False,
        forced_eos_token_id=forced,
        bad_words_ids=[[PAD]],
    )
    manner = Manner(PAD, frozenset({END}), never=frozenset({PAD}), forced=forced, limit=limit)
    found = translate(ours.model, SOURCES, Search(beams, 2, penalty), manner, WORDS)
    answers = [row[1:] for row in wanted.tolist()]
    assert [list(each.tokens) for two in found for each in two] == [
        row[: row.index(END)] if END in row else row for row in answers
    ]


def test_some_of_these_translations_end_and_some_are_cut(pair: tuple[LoadedSeq2Seq, nn.Module]):
    manner = Manner(PAD, frozenset({END}), never=frozenset({PAD}), limit=15)
    found = translate(pair[0].model, SOURCES, Search(4, 4), manner, WORDS)
    assert {each.finish for four in found for each in four} == {"stop", "length"}
