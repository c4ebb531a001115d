"""Beam search against transformers' own, on random tiny models that end their answers often."""

from __future__ import annotations

import pytest
import torch
import transformers
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import models
from torch import nn

import unmask
from unmask.generation.answer import Order
from unmask.generation.beams import search
from unmask.generation.sampling import Sampling
from unmask.generation.search import Search
from unmask.text.tokenizer import Tokenizer

VOCAB = 23
ENDS = (1, 4)
PROMPT = (7, 3, 11, 2)
LIMIT = 14
SEEDS = range(4)
CONFIG = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": list(ENDS),
    "pad_token_id": 0,
}


def numbers() -> Tokenizer:
    """A vocabulary that spells id 7 as "7": these models have no text of their own."""
    words = models.WordLevel({str(i): i for i in range(VOCAB)}, unk_token="0")
    return Tokenizer(HubTokenizer(words), bos=None, pad=None, ends=frozenset(ENDS), specials={})


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[unmask.Model, nn.Module]]:
    """Ours, loaded from what theirs saved, and theirs; one pair a seed."""
    made = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**CONFIG)).eval()
        for parameter in theirs.parameters():  # far from the usual near-zero start, where all tokens are as likely
            nn.init.normal_(parameter, std=0.5)
        folder = tmp_path_factory.mktemp("model")
        theirs.save_pretrained(folder)
        made.append((unmask.load(folder), theirs))
    return made


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("beams", "best"), [(2, 1), (3, 3), (5, 2), (8, 8)])
@pytest.mark.parametrize("penalty", [-1.0, 0.0, 0.6, 1.0, 2.0])
def test_the_best_are_those_that_transformers_finds(
    pairs: list[tuple[unmask.Model, nn.Module]], seed: int, beams: int, best: int, penalty: float
) -> None:
    ours, theirs = pairs[seed]
    order = Order(PROMPT, Sampling(), limit=LIMIT)
    found = search(ours.core, order, Search(beams, best, penalty), numbers())
    wanted = theirs.generate(
        torch.tensor([PROMPT]),
        attention_mask=torch.ones(1, len(PROMPT), dtype=torch.int64),
        max_new_tokens=LIMIT,
        num_beams=beams,
        num_return_sequences=best,
        length_penalty=penalty,
        early_stopping=False,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
    )
    answers = [answer(row[len(PROMPT) :].tolist()) for row in wanted.sequences]
    assert [each.tokens for each in found] == answers
    assert [each.score for each in found] == pytest.approx(wanted.sequences_scores.tolist(), rel=1e-4)


def answer(row: list[int]) -> tuple[int, ...]:
    """A row up to its end token; what follows fills it up."""
    stops = [at for at, token in enumerate(row) if token in ENDS]
    return tuple(row[: stops[0]] if stops else row)


def test_some_of_these_answers_end_and_some_are_cut(pairs: list[tuple[unmask.Model, nn.Module]]) -> None:
    order = Order(PROMPT, Sampling(), limit=LIMIT)
    found = [each for ours, _ in pairs for each in search(ours.core, order, Search(8, 8), numbers())]
    assert {each.finish for each in found} == {"stop", "length"}
