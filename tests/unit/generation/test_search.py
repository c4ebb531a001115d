"""Beam search against counting out every continuation, and what it refuses. Parity is in tests/parity."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import models
from torch import Tensor

from unmask.base.errors import ContextError, RequestError
from unmask.core.attention import AttentionSpec
from unmask.core.block import BlockSpec
from unmask.core.embedding import EmbeddingSpec
from unmask.core.feedforward import PlainSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.masks import Causal
from unmask.core.norms import LayerNormSpec
from unmask.core.positions import LearnedSpec
from unmask.core.residual import Pre
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.generation.answer import Order
from unmask.generation.beams import search
from unmask.generation.sampling import Sampling
from unmask.generation.search import Hypothesis, Rules, Search, beam_search
from unmask.text.tokenizer import Tokenizer

VOCAB, END, LIMIT = 5, 4, 4
PROMPT = (2, 0, 3)


def transformer(context: int = 12) -> Transformer:
    norm = LayerNormSpec()
    attention = AttentionSpec(heads=2, kv_heads=1, head_width=4)
    block = BlockSpec(attention=attention, feedforward=PlainSpec(16, "relu"), norm=norm, residual=Pre())
    spec = TransformerSpec(
        width=8,
        context=context,
        embedding=EmbeddingSpec(VOCAB, positions=LearnedSpec(context)),
        blocks=(block, block),
        mask=Causal(),
        final_norm=norm,
        head=NextTokenSpec(tied=False),
    )
    model = spec.build().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def numbers(*ends: int) -> Tokenizer:
    words = models.WordLevel({str(i): i for i in range(VOCAB)}, unk_token="0")
    return Tokenizer(HubTokenizer(words), bos=None, pad=None, ends=frozenset(ends), specials={})


def found(
    model: Transformer, wanted: Search, *, limit: int | None = LIMIT, ends: tuple[int, ...] = (END,)
) -> list[Hypothesis]:
    return search(model, Order(PROMPT, Sampling(), limit=limit), wanted, numbers(*ends))


@torch.no_grad()
def logprob(model: Transformer, tokens: tuple[int, ...]) -> float:
    """Of tokens after the prompt, from one forward over all of them."""
    logprobs = model.logits(torch.tensor([PROMPT + tokens]))[0].log_softmax(dim=-1)
    return sum(float(logprobs[len(PROMPT) + at - 1, token]) for at, token in enumerate(tokens))


def all_answers() -> list[tuple[int, ...]]:
    """Every row of tokens that ends with END and has it nowhere else, or has LIMIT tokens and no END."""
    words = range(VOCAB - 1)
    ended = [(*start, END) for length in range(LIMIT) for start in product(words, repeat=length)]
    return ended + list(product(words, repeat=LIMIT))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("penalty", [0.0, 1.0, -1.0])
def test_with_enough_beams_the_best_are_those_of_all_there_are(seed: int, penalty: float) -> None:
    torch.manual_seed(seed)
    model = transformer()
    scores = {each: logprob(model, each) / len(each) ** penalty for each in all_answers()}
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:3]
    answers = found(model, Search(beams=len(scores), best=3, length_penalty=penalty))
    assert [each.tokens for each in answers] == [tuple(token for token in each if token != END) for each in best]
    assert [each.score for each in answers] == pytest.approx([scores[each] for each in best], abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy(seed: int) -> None:
    torch.manual_seed(seed)
    model = transformer()
    row, written = list(PROMPT), 0
    with torch.no_grad():
        while written < 8:
            row.append(int(model.logits(torch.tensor([row]))[0, -1].argmax()))
            written += 1
            if row[-1] == END:
                break
    (only,) = found(model, Search(beams=1), limit=8)
    assert only.tokens == tuple(token for token in row[len(PROMPT) :] if token != END)


def test_logprob_is_the_sum_over_all_tokens_and_score_divides_it_by_the_length() -> None:
    model = transformer()
    for each in found(model, Search(beams=6, best=6, length_penalty=0.7)):
        tokens = each.tokens + ((END,) if each.finish == "stop" else ())
        assert each.logprob == pytest.approx(logprob(model, tokens), abs=1e-5)
        assert each.score == pytest.approx(each.logprob / len(tokens) ** 0.7)


def test_hypotheses_come_best_first_and_none_twice() -> None:
    answers = found(transformer(), Search(beams=8, best=8))
    assert [each.score for each in answers] == sorted((each.score for each in answers), reverse=True)
    assert len({(*each.tokens, each.finish) for each in answers}) == 8


def test_the_text_is_that_of_the_tokens() -> None:
    (only,) = found(transformer(), Search(), ends=())
    assert only.text == " ".join(str(token) for token in only.tokens)


def test_without_an_end_every_answer_fills_its_limit() -> None:
    answers = found(transformer(), Search(beams=4, best=4), ends=())
    assert [(len(each.tokens), each.finish) for each in answers] == [(LIMIT, "length")] * 4


def test_without_a_limit_the_context_ends_an_answer() -> None:
    (only,) = found(transformer(context=9), Search(beams=3), limit=None, ends=())
    assert len(PROMPT) + len(only.tokens) == 9


def test_the_prompt_is_read_once_and_then_one_token_a_step() -> None:
    model, seen = transformer(), list[tuple[int, ...]]()
    model.register_forward_hook(lambda _model, inputs, _out: seen.append(tuple(inputs[0].shape)))
    found(model, Search(beams=3), ends=())
    assert seen == [(1, len(PROMPT)), (3, 1), (3, 1), (3, 1)]


def test_any_model_that_steps_and_reorders_can_be_searched() -> None:
    class Chain:
        """The next token depends on the last one alone; rows are the histories that were asked for."""

        logits = torch.randn(VOCAB, VOCAB)

        def __init__(self) -> None:
            self.rows: list[list[int]] = [[]]

        def step(self, tokens: Tensor) -> Tensor:
            self.rows = [[*row, *new] for row, new in zip(self.rows, tokens.tolist(), strict=True)]
            return self.logits[tokens[:, -1]]

        def reorder(self, rows: Tensor) -> None:
            self.rows = [self.rows[row] for row in rows.tolist()]

        def unseen(self) -> None:
            """It has no source."""

        def keep(self, texts: Tensor) -> None:
            """Its rows are all it knows."""

    chain = Chain()
    (paths,) = beam_search(chain, torch.tensor([[3]]), Search(4, 4), Rules(5, frozenset(), VOCAB))
    assert sorted(path.tokens[:-1] for path in paths) == sorted(tuple(chain.rows[path.row][1:]) for path in paths)
    for path in paths:
        pairs = zip((3, *path.tokens), path.tokens, strict=False)
        assert path.logprob == pytest.approx(sum(float(chain.logits[a].log_softmax(0)[b]) for a, b in pairs), abs=1e-5)


def test_ids_past_the_tokenizer_are_never_written() -> None:
    model = transformer()
    tokenizer = Tokenizer(
        HubTokenizer(models.WordLevel({"0": 0, "1": 1, "2": 2, "3": 3}, unk_token="0")),
        bos=None,
        pad=None,
        ends=frozenset(),
        specials={},
    )
    answers = search(model, Order(PROMPT, Sampling(), limit=LIMIT), Search(8, 8), tokenizer)
    assert max(token for each in answers for token in each.tokens) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beams": 0}, "beams is 0; it must be from 1 to 1024"),
        ({"beams": 1025}, "beams is 1025; it must be from 1 to 1024"),
        ({"beams": 3, "best": 4}, "best is 4; it must be from 1 to 3"),
        ({"best": 0}, "best is 0; it must be from 1 to 4"),
        ({"length_penalty": 11.0}, "length_penalty is 11.0; it must be from -10.0 to 10.0"),
        ({"length_penalty": math.nan}, "length_penalty is nan"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values: dict[str, float], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Search(**values)  # type: ignore[arg-type]


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    with pytest.raises(ContextError, match="3 tokens and the model's context holds 3"):
        found(transformer(context=3), Search())


def test_more_beams_than_memory_holds_are_refused_before_any_is_taken() -> None:
    spec = transformer().spec
    attention = AttentionSpec(heads=1, kv_heads=1, head_width=1 << 20)
    block = BlockSpec(attention=attention, feedforward=PlainSpec(1, "relu"), norm=LayerNormSpec(), residual=Pre())
    with torch.device("meta"):
        wide = TransformerSpec(8, 1 << 24, spec.embedding, (block,), Causal(), None, spec.head).build()
    wide.embedding.to_empty(device="cpu")
    with pytest.raises(RequestError, match=r"1000 beams of 16777216 tokens need 1407374\d+\.\d GB") as caught:
        search(wide, Order(PROMPT, Sampling()), Search(beams=1000), numbers())
    assert caught.value.values["free"] > 0
