"""What chats and completions ask of a translator: each line of their texts becomes a line of the answer.

Where no temperature says otherwise, a translation is searched for as the model's makers advise; `n` gives the n best,
`best_of` widens the search. A streamed answer comes token by token where tokens are drawn by chance or the likeliest is
taken each time, else line by line, as they are found: a search knows no word of a line before its last.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from unmask.generation.answer import Finish, Piece
from unmask.generation.sampling import Sampling
from unmask.generation.search import Search
from unmask.server.bounds import check_tokens
from unmask.server.inputs import check_ids
from unmask.server.refusals import FieldError
from unmask.server.wishes import Wish, seeds
from unmask.translator import one_line

if TYPE_CHECKING:
    from unmask.engine.stats import Stats
    from unmask.server.host import Host, Waiting
    from unmask.server.limits import Limits
    from unmask.translator import Translation, Translator

GREEDY = Sampling()
NEVER = ("stop", "stop_token_ids", "ignore_eos", "min_tokens")
"""Fields of every wish that a translator has nothing for."""
DRAWN = {"presence_penalty": 0, "frequency_penalty": 0, "repetition_penalty": 1, "logit_bias": {}}
"""Fields that weigh tokens as they are drawn, and the values that leave them as they are."""

Pieces = Generator[tuple[int, Piece], None, None]
"""Parts of answers, each with its answer's number; the last of an answer, and only it, has `finish`."""


@dataclass(frozen=True)
class Job:
    """What is to be translated, and how.

    Args:
        ways: each gives as many answers to every text as the others.
        answers: to each text; those to one text are numbered one after the other.
        limit: most tokens of a line's translation; None fills the context.
        by_tokens: whether each is told as it is chosen.
        tokens: of all texts.
    """

    translator: Translator
    texts: Sequence[str]
    ways: Sequence[Search | Sampling]
    answers: int
    limit: int | None
    by_tokens: bool
    tokens: int

    def on(self, host: Host) -> AsyncGenerator[tuple[int, Piece] | Waiting, None]:
        """The answers as they come, from the host of the translator; see `Host.steps`."""
        return host.steps(partial(self.pieces, host.engine.stats_now), tokens=self.tokens)

    def pieces(self, stats: Stats) -> Pieces:
        """The answers as they come, to be taken on the model's thread, whose `stats` they are counted in."""
        best = self.answers // len(self.ways)
        for turn, wanted in enumerate(self.ways):
            made = self.drawn(wanted) if self.by_tokens and isinstance(wanted, Sampling) else self.found(wanted, best)
            for number, piece in made:
                text, rank = divmod(number, best)
                if piece.finish:
                    stats.prompt_tokens += 0 if rank else piece.prompt_tokens
                    stats.written_tokens += piece.tokens
                yield text * self.answers + turn + rank, piece

    def found(self, wanted: Search | Sampling, best: int) -> Pieces:
        """The `best` answers to each text, a line a piece."""
        texts = [text.split("\n") for text in self.texts]
        made = self.translator.lines(chain.from_iterable(texts), wanted, limit=self.limit)
        for number, lines in enumerate(texts):
            answers = [Lines(len(lines)) for _ in range(best)]
            for _ in lines:
                line = next(made)
                for rank, answer in enumerate(answers):
                    yield number * best + rank, answer.push(ranked(line, rank))

    def drawn(self, sampling: Sampling) -> Pieces:
        """An answer to each text, a token a piece."""
        for number, text in enumerate(self.texts):
            lines = text.split("\n")
            answer = Lines(len(lines))
            for line in lines:
                for piece in self.translator.pieces(line, sampling, limit=self.limit):
                    yield number, answer.push(piece)


class Lines:
    """An answer of so many lines, made of theirs."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.read = self.written = 0
        """Tokens of the lines that are done."""
        self.cut = False

    def push(self, piece: Piece) -> Piece:
        """The next piece of a line, as one of the answer."""
        read, written, text = self.read + piece.prompt_tokens, self.written + piece.tokens, piece.text
        finish: Finish | None = None
        if piece.finish:
            self.read, self.written, self.left = read, written, self.left - 1
            self.cut = self.cut or piece.finish == "length"
            if self.left:
                text += "\n"
            else:
                finish = "length" if self.cut else "stop"
        return replace(piece, text=text, finish=finish, prompt_tokens=read, tokens=written)


def ranked(line: Translation, rank: int) -> Piece:
    """A line's translation of this rank; the last, where it has fewer. One that was read in parts has only the best."""
    if not rank or not line.hypotheses:
        return Piece(line.text, line.finish, line.tokens, line.written)
    found = line.hypotheses[min(rank, len(line.hypotheses) - 1)]
    return Piece(one_line(found.text), found.finish, line.tokens, len(found.tokens))


def job_of(
    translator: Translator,
    request: Wish,
    texts: Sequence[str],
    limits: Limits,
    *,
    limit: int | None,
    refused: Mapping[str, bool],
    widest: int = 1,
) -> Job:
    """What a request asks for.

    Args:
        limit: as in `Job`.
        refused: fields of the route's own that a translator has nothing for -> whether the request has them.
        widest: search at least so widely.
    Raises:
        FieldError: if it asks for what a translator does not do.
        ContextError: if the texts have more tokens than this server takes.
    """
    drawn, answers = bool(request.temperature), request.n or 1
    check_translates(translator, request, limits, refused, drawn=drawn)
    tokens = sum(len(translator.source.encode(line).ids) for text in texts for line in text.split("\n"))
    check_tokens(tokens, limits)
    search, ways = translator.search, list[Search | Sampling]()
    if drawn:
        ways += seeds(request.sampling(GREEDY), answers)
    elif search.beams == answers == widest == 1:
        ways.append(GREEDY)
    else:
        ways.append(replace(search, beams=max(search.beams, answers, widest), best=answers))
    return Job(translator, texts, ways, answers, limit, bool(request.stream), tokens)


def check_translates(
    translator: Translator, request: Wish, limits: Limits, refused: Mapping[str, bool], *, drawn: bool
) -> None:
    """
    Raises:
        FieldError: if the request asks for what a translator does not do.
    """
    form = request.form(limits)
    asked = {**refused, **{name: bool(getattr(request, name)) for name in NEVER}}
    if form:
        asked[form[0]] = True
    for param in (name for name, wanted in asked.items() if wanted):
        raise FieldError(
            "{param}: {name} turns one text into another, and has nothing for this. Leave it out.",
            param=param,
            name=translator.name,
        )
    if drawn:
        vocab = min(translator.core.vocab, translator.target.size)
        check_ids(list(map(int, request.logit_bias or ())), "logit_bias", vocab=vocab)
        return
    for param, neutral in DRAWN.items():
        if getattr(request, param) not in (None, neutral):
            raise FieldError(
                "{param}: it weighs tokens that are drawn by chance, and a translation is searched for. Set a "
                "temperature above 0, or leave it out.",
                param=param,
            )
