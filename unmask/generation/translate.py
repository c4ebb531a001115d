"""Many sources, translated in batches of similar length, and handed out in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch

from unmask.base.errors import RequestError
from unmask.core.seq2seq import EncoderDecoder
from unmask.core.trace import recalled
from unmask.generation.rendering import Manner, Rendering, check_source, draw
from unmask.generation.sampling import Sampling
from unmask.generation.search import Hypothesis, Path, Rules, Search, beam_search, hypothesis
from unmask.text.tokenizer import Tokenizer

WINDOW = 1024
"""Sources that are sorted by length together: as many translations are held back at most."""
TOKENS = 1024
"""Tokens of a batch of sources, padding included."""
PLAIN = Search(beams=1, length_penalty=0.0)
"""Of what is drawn, the score is its log-probability."""


def translate(
    model: EncoderDecoder,
    sources: Iterable[Sequence[int]],
    wanted: Search | Sampling,
    manner: Manner,
    tokenizer: Tokenizer,
    *,
    window: int = WINDOW,
    tokens: int = TOKENS,
) -> Iterator[list[Hypothesis]]:
    """The translations of each source, the best first, in the order of the sources, as they come.

    Args:
        sources: ids, as the model reads them: with the one that ends a text where it was taught so.
        wanted: a search gives its `best`; sampling gives one translation, at temperature 0 the greedy one.
        tokenizer: of what is written.
        window: how many sources to take before the first is translated; 1 answers each before the next is taken.
        tokens: most tokens of a batch, unless one source has more.
    Raises:
        ContextError, RequestError: as `check_source` does of a source, and `Manner.rules` does; or if a source is to be
            covered by a model that looks at none.
    """
    if isinstance(wanted, Search) and wanted.coverage and not model.looks:
        raise RequestError(
            "coverage is {value}, and this translator has no attention that could tell what it saw. Leave it out.",
            value=wanted.coverage,
        )
    rules = manner.rules(model, tokenizer)
    rest = iter(sources)
    while taken := list(islice(rest, window)):
        for source in taken:
            check_source(source, context=model.context)
        done, given = dict[int, list[Hypothesis]](), 0
        for numbers in batches([len(source) for source in taken], tokens):
            rows = [taken[number] for number in numbers]
            found = together(model, rows, wanted, rules, tokenizer, start=manner.start)
            done.update(zip(numbers, found, strict=True))
            while given in done:
                yield done.pop(given)
                given += 1


def batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Numbers of rows whose lengths are alike, in batches of so many tokens or of one row; the earliest batch first."""
    found: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not found or (len(found[-1]) + 1) * lengths[number] > tokens:
            found.append([])
        found[-1].append(number)
    return sorted(found, key=min)


def together(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    wanted: Search | Sampling,
    rules: Rules,
    tokenizer: Tokenizer,
    *,
    start: int,
) -> list[list[Hypothesis]]:
    """The translations of one batch."""
    if isinstance(wanted, Search):
        begun = torch.full((len(sources), 1), start, device=model.device)
        with recalled(model.looks[-1:] if wanted.coverage else ()) as looks:
            watched = looks[0] if looks else None
            rendering = Rendering(model, sources, room=rules.room, beams=wanted.beams, watched=watched)
            found = beam_search(rendering, begun, wanted, rules)
        return [[hypothesis(path, wanted, rules, tokenizer) for path in paths[: wanted.best]] for paths in found]
    ids, logprobs = [list[int]() for _ in sources], [0.0] * len(sources)
    for step in draw(model, sources, wanted, rules, start=start):
        for row, written in enumerate(step):
            if written is not None:
                ids[row].append(written[0])
                logprobs[row] += written[1]
    paths = [Path(tuple(each), logprob, row) for row, (each, logprob) in enumerate(zip(ids, logprobs, strict=True))]
    return [[hypothesis(path, PLAIN, rules, tokenizer)] for path in paths]


def stream(
    model: EncoderDecoder, source: Sequence[int], sampling: Sampling, manner: Manner, tokenizer: Tokenizer
) -> Iterator[int]:
    """The ids of one translation as they are chosen, without the one that ends it.

    Raises:
        ContextError, RequestError: as `translate` does.
    """
    rules = manner.rules(model, tokenizer)
    check_source(source, context=model.context)
    for (written,) in draw(model, [source], sampling, rules, start=manner.start):
        assert written is not None, "the only row is written until it ends"
        if written[0] not in rules.ends:
            yield written[0]
