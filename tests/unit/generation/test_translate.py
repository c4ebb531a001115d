"""Translations in batches against a beam search spelt out in loops, for a Transformer and a recurrent model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import models
from torch import nn

from unmask.base.errors import ContextError, RequestError
from unmask.core.recurrent import RecurrentSpec
from unmask.core.trace import recalled
from unmask.families.original import OriginalSize, StackSize, original
from unmask.generation.rendering import Manner
from unmask.generation.sampling import Sampling
from unmask.generation.search import Hypothesis, Search
from unmask.generation.translate import batches, stream, translate
from unmask.text.tokenizer import Tokenizer

VOCAB, START, END, LIMIT = 12, 0, 1, 6
MANNER = Manner(START, frozenset({END}), never=frozenset({START, 5}), limit=LIMIT)
SIDE = StackSize(depth=2, heads=2, hidden=24)
SPECS = {
    "transformer": original(OriginalSize(16, SIDE, SIDE, vocab=VOCAB, context=20)),
    "recurrent": RecurrentSpec(width=8, depth=1, context=20, vocab=VOCAB),
    "without a look": RecurrentSpec(width=8, depth=1, context=20, vocab=VOCAB, look=None),
}
SOURCES = [[7, 3, END], [2, 9, 4, 11, 6, END], [8, END], [10, 2, 3, 5, END], [6, 6, 9, END]]
WORDS = Tokenizer(
    HubTokenizer(models.WordLevel({str(number): number for number in range(VOCAB)}, unk_token="0")),
    bos=None,
    pad=None,
    ends=frozenset({END}),
    specials={},
)


def random(kind: str, seed: int = 0) -> nn.Module:
    model = SPECS[kind].build().eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.7, generator=generator)
    return model


def found(model: nn.Module, wanted: Search | Sampling, manner: Manner = MANNER, **room: int) -> list[list[Hypothesis]]:
    return list(translate(model, SOURCES, wanted, manner, WORDS, **room))


@torch.no_grad()
def next_logprobs(model: nn.Module, source: list[int], rows: list[tuple[int, ...]]) -> list[list[float]]:
    """Of every token after each of these rows, which are of one length."""
    tokens, memory = torch.tensor([[START, *row] for row in rows]), model.encode(torch.tensor([source] * len(rows)))
    logprobs: list[list[float]] = model.logits(tokens, memory)[:, -1].log_softmax(-1).tolist()
    return logprobs


def looped(model: nn.Module, source: list[int], beams: int) -> tuple[int, ...]:
    """Beam search in loops, without a batch or a cache."""
    running, ended = [((), 0.0)], []
    for length in range(1, LIMIT + 1):
        grown = []
        for (tokens, before), each in zip(
            running, next_logprobs(model, source, [row for row, _ in running]), strict=True
        ):
            grown += [((*tokens, new), before + each[new]) for new in range(VOCAB) if new not in MANNER.never]
        grown.sort(key=lambda path: -path[1])
        ended += [path for path in grown[:beams] if path[0][-1] == END or length == LIMIT]
        ended = sorted(ended, key=lambda path: -path[1] / len(path[0]))[:beams]
        running = [path for path in grown if path[0][-1] != END][:beams]
        if len(ended) == beams and running[0][1] / length <= ended[-1][1] / len(ended[-1][0]):
            break
    best = ended[0][0]
    return best[:-1] if best[-1] == END else best


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("kind", SPECS)
def test_each_source_of_a_batch_gets_what_loops_find_for_it_alone(kind: str, beams: int, seed: int):
    model = random(kind, seed)
    wanted = [looped(model, source, beams) for source in SOURCES]
    assert [each[0].tokens for each in found(model, Search(beams))] == wanted


@pytest.mark.parametrize("kind", SPECS)
def test_what_is_found_is_as_likely_as_the_whole_row_says(kind: str):
    model = random(kind)
    for source, hypotheses in zip(SOURCES, found(model, Search(4, best=4, length_penalty=0.6)), strict=True):
        assert len(hypotheses) == 4
        for each in hypotheses:
            tokens = (*each.tokens, *([END] if each.finish == "stop" else []))
            steps = [next_logprobs(model, source, [tokens[:at]])[0][new] for at, new in enumerate(tokens)]
            assert each.logprob == pytest.approx(float(sum(steps)), abs=1e-4)
            assert each.score == pytest.approx(each.logprob / len(tokens) ** 0.6)


@pytest.mark.parametrize("room", [{"window": 1}, {"window": 2}, {"tokens": 1}, {"tokens": 9}])
def test_translations_come_in_the_order_of_their_sources_however_they_are_batched(room: dict[str, int]):
    model = random("transformer")
    together = [each[0].tokens for each in found(model, Search(3))]
    assert [each[0].tokens for each in found(model, Search(3), **room)] == together


def test_no_more_sources_are_taken_than_a_window_holds():
    taken: list[int] = []

    def sources() -> Iterator[list[int]]:
        for number in range(1_000_000):
            taken.append(number)
            yield [2 + number % 7, END]

    made = translate(random("transformer"), sources(), Search(2), MANNER, WORDS, window=4)
    assert len(list(islice(made, 5))) == 5
    assert len(taken) == 8


def test_batches_hold_rows_of_similar_length_and_no_more_tokens_than_they_may():
    assert batches([5, 1, 9, 2, 5], tokens=10) == [[0, 4], [1, 3], [2]]
    assert batches([30], tokens=10) == [[0]]


@pytest.mark.parametrize("kind", SPECS)
def test_a_row_is_drawn_alike_alone_and_in_a_batch(kind: str):
    model, drawing = random(kind), Sampling(temperature=1.3, top_k=6, seed=3)
    alone = [each[0].tokens for each in found(model, drawing, tokens=1)]
    assert [each[0].tokens for each in found(model, drawing)] == alone
    assert [tuple(stream(model, source, drawing, MANNER, WORDS)) for source in SOURCES] == alone
    assert not any(MANNER.never.intersection(tokens) for tokens in alone)


def test_temperature_0_is_the_likeliest_token_after_the_other():
    model = random("recurrent")
    for (drawn,), (searched,) in zip(found(model, Sampling()), found(model, Search(1)), strict=True):
        assert (drawn.tokens, drawn.finish) == (searched.tokens, searched.finish)
        assert drawn.logprob == pytest.approx(searched.logprob, abs=1e-4)


@pytest.mark.parametrize("wanted", [Search(4), Sampling()])
def test_a_forced_end_takes_the_last_place(wanted: Search | Sampling):
    manner = Manner(START, MANNER.ends, limit=3, forced=END)
    for (each,) in found(random("transformer"), wanted, manner):
        assert each.finish == "stop"
        assert len(each.tokens) <= 2


def test_the_penalty_of_wu_adds_five_to_the_length():
    for (each,) in found(random("transformer"), Search(4, length_penalty=0.8, length_offset=5)):
        length = len(each.tokens) + (each.finish == "stop")
        assert each.score == pytest.approx(each.logprob / ((5 + length) / 6) ** 0.8)


@pytest.mark.parametrize("kind", ["transformer", "recurrent"])
def test_coverage_adds_what_of_the_source_was_left_unseen(kind: str):
    model = random(kind)
    for source, hypotheses in zip(SOURCES, found(model, Search(3, best=3, coverage=0.5)), strict=True):
        for each in hypotheses:
            tokens = [START, *each.tokens, *([END] if each.finish == "stop" else [])]
            with torch.no_grad(), recalled(model.looks[-1:]) as looks:
                model.logits(torch.tensor([tokens[:-1]]), model.encode(torch.tensor([source])))
            weights = torch.cat(looks[0], dim=2)[0].mean(0)  # [T, S]
            unseen = sum(float(weights[:, at].sum().clamp(max=1).log()) for at in range(len(source)))
            assert each.score == pytest.approx(each.logprob / (len(tokens) - 1) + 0.5 * unseen, abs=1e-3)


def test_a_look_that_is_searched_with_is_put_back():
    model = random("recurrent")
    before = [look.kernel for look in model.looks]
    found(model, Search(2, coverage=1.0))
    assert [look.kernel for look in model.looks] == before


def test_what_cannot_be_translated_is_refused():
    model = random("transformer")
    with pytest.raises(ContextError, match=r"21 tokens and the model reads 20\. Shorten it by 1 tokens"):
        list(translate(model, [[2] * 21], Search(), MANNER, WORDS))
    with pytest.raises(RequestError, match="The source is empty"):
        list(stream(model, [], Sampling(), MANNER, WORDS))
    with pytest.raises(RequestError, match="limit is 0 tokens; it must be at least 1"):
        found(model, Search(), Manner(START, MANNER.ends, limit=0))
    with pytest.raises(RequestError, match=r"coverage is 0\.3, and this translator has no attention"):
        found(random("without a look"), Search(coverage=0.3))
