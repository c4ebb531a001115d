"""The coffee shop that was counted once: a model that counts, and one that has learnt."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from unmask.base.errors import RequestError
from unmask.base.language import translate
from unmask.core.transformer import Transformer
from unmask.generation.foresight import foresee
from unmask.generation.reader import Reader
from unmask.views.charts import ROW, Bar, bars
from unmask.views.guides.counts import Counts, counted
from unmask.views.guides.guide import STYLES, found, heading, lead, page, prose, quoted, scrolled
from unmask.views.labels import percent
from unmask.views.svg import COOL, WARM, document, drawing, label
from unmask.views.view import View

WIDTH, NAMES, HEAD, GAP = 680, 64, 30, 20
PLACES = 3
"""Of the choices, those that make sense; they come first."""


@dataclass(frozen=True)
class Case:
    """A text to count; a beginning whose last two words stand in it once, one whose do not; and what may follow them.

    Words are apart by blanks here; `blank` is what parts them where they are read.
    """

    text: str
    met: str
    unmet: str
    choices: tuple[str, ...]
    blank: str

    def shown(self, text: str) -> str:
        return text.replace(" ", self.blank)


def case_of(tongue: str) -> Case:
    return Case(
        text=translate(
            "On Sunday we walked along the river. The children wanted to see the boats, and their mother wanted a cup "
            "of tea. On the way home it rained, so we stopped at a coffee shop and waited. The shop was warm, the tea "
            "was hot, and the boats came by in the rain.",
            tongue,
        ),
        met=translate("It was raining hard, so they stopped at a coffee", tongue),
        unmet=translate("It was raining hard, so they ran into the nearest coffee", tongue),
        choices=tuple(translate("shop house bar cloud river", tongue).split()),
        blank="" if tongue == "zh" else " ",
    )


@dataclass(frozen=True)
class Guess:
    """A word that may follow, what the counts give it (None is 0 of 0) and what the model does."""

    word: str
    counted: float | None
    learnt: float


def title(tongue: str) -> str:
    return translate("The coffee shop counted once", tongue)


def make(core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The page.

    Raises:
        RequestError: if the model does not write.
    """
    if not reader.spec.writes:
        raise RequestError(
            "{name} does not write, so it expects no next word, which this guide is about. Choose a model that writes, "
            "such as {example}.",
            name=reader.name,
            example="smollm2:135m",
        )
    case = case_of(tongue)
    counts = counted(words_of(case.text))
    met, unmet = (guesses(core, reader, counts, case, each) for each in (case.met, case.unmet))
    beginnings = [case.shown(each) for each in (case.met, case.unmet)]
    parts = figure(beginnings, [met, unmet], reader.title, tongue)
    height = figure_height(len(case.choices))
    return View(
        title=title(tongue),
        tongue=tongue,
        data={
            "model": reader.title,
            "text": case.shown(case.text),
            "beginnings": beginnings,
            "guesses": [[asdict(each) for each in row] for row in (met, unmet)],
        },
        svg=document(title(tongue), WIDTH, height, parts),
        styles=STYLES,
        body=page(
            lead(
                translate(
                    "The oldest language model only counts: of all the times that two words stood together in a text, "
                    "how often did this word follow? Here is its whole library, and in it a coffee shop, counted once.",
                    tongue,
                )
            ),
            quoted(case.shown(case.text)),
            prose(counted_once(case, met, unmet, tongue)),
            scrolled(drawing(title(tongue), WIDTH, height, parts)),
            heading(translate("What this model shows", tongue)),
            found(verdict(met, unmet, reader.title, tongue)),
            prose(
                translate(
                    "To count is to remember whole strings of words, and almost every string is new. A neural model "
                    "gives each word a vector instead, so what it learnt of one place to sit helps with all others: "
                    "nothing that can be written gets exactly 0.",
                    tongue,
                )
            ),
        ),
        notes=(
            translate(
                "Two words are looked back on (a trigram), and the counts are not smoothed. The model's numbers are "
                "before temperature and penalties; a word of several tokens has the product of theirs.",
                tongue,
            ),
        ),
    )


def words_of(text: str) -> list[str]:
    """What is counted: words, marks and case aside."""
    return re.findall(r"\w+", text.lower())


def guesses(core: Transformer, reader: Reader, counts: Counts, case: Case, beginning: str) -> list[Guess]:
    words = words_of(beginning)
    return [
        Guess(
            choice,
            counts.probability(words, choice),
            learnt(core, reader, case.shown(beginning), case.blank + choice),
        )
        for choice in case.choices
    ]


def learnt(core: Transformer, reader: Reader, beginning: str, following: str) -> float:
    """The model's probability of a continuation: the product over its tokens, from the first that is new."""
    before, ids = reader.whole(beginning).ids, reader.whole(beginning + following).ids
    start = next((at for at, (left, right) in enumerate(zip(before, ids, strict=False)) if left != right), len(before))
    return math.prod(each.probability for each in foresee(core, reader.tokenizer, ids, start=max(start, 1), best=1))


def counted_once(case: Case, met: Sequence[Guess], unmet: Sequence[Guess], tongue: str) -> str:
    """What the counts give, and why."""
    assert [met[0].counted, unmet[0].counted] == [1.0, None], "the text is written so that this is what is counted"
    return translate(
        "After “{pair}” came “{word}”, one time of one: so “{word}” gets 1, and every other word 0, a good one such "
        "as “{good}” as much as a foolish one such as “{foolish}”. And “{strange}” never stood in the text: that is 0 "
        "of 0, and the model that counts has nothing to say.",
        tongue,
    ).format(
        pair=pair_of(case, case.met),
        word=case.choices[0],
        good=case.choices[1],
        foolish=case.choices[-1],
        strange=pair_of(case, case.unmet),
    )


def pair_of(case: Case, beginning: str) -> str:
    return case.blank.join(words_of(beginning)[-2:])


def verdict(met: Sequence[Guess], unmet: Sequence[Guess], name: str, tongue: str) -> str:
    """What the model's numbers say, and no more."""
    first, second = (max(each, key=lambda guess: guess.learnt) for each in (met, unmet))
    same = (
        translate("Of these words {name} puts the counted one first too: “{word}”, with {share}.", tongue)
        if first is met[0]
        else translate("Of these words {name} would rather put “{word}”, with {share}.", tongue)
    ).format(name=name, word=first.word, share=percent(first.learnt))
    other = translate("Where nothing was counted it still has an answer: “{word}”, with {share}.", tongue).format(
        word=second.word, share=percent(second.learnt)
    )
    parted = all(
        min(each.learnt for each in row[:PLACES]) > max(each.learnt for each in row[PLACES:]) for row in (met, unmet)
    )
    order = (
        translate("Both times every word that makes sense is ahead of every one that does not.", tongue)
        if parted
        else translate("But not every word that makes sense is ahead of every one that does not.", tongue)
    )
    return translate("{first} {second} {third}", tongue).format(first=same, second=other, third=order)


def figure_height(choices: int) -> float:
    return 2 * (HEAD * 2 + choices * ROW + GAP)


def figure(beginnings: Sequence[str], rows: Sequence[Sequence[Guess]], name: str, tongue: str) -> list[str]:
    """For each beginning the counts' bars beside the model's."""
    parts, half, y = [], WIDTH / 2, 0.0
    for beginning, guessed in zip(beginnings, rows, strict=True):
        parts.append(label(f"{beginning} …", 4, y + HEAD / 2, size=14))
        parts.append(label(translate("counted", tongue), NAMES, y + HEAD * 1.4, size=12))
        parts.append(label(name, half + NAMES, y + HEAD * 1.4, size=12))
        counts = [
            Bar(each.word, each.counted or 0.0, "0 / 0" if each.counted is None else percent_of(each.counted), WARM)
            for each in guessed
        ]
        learnt_bars = [Bar(each.word, each.learnt, percent(each.learnt), COOL) for each in guessed]
        parts.append(bars(counts, x=0, y=y + HEAD * 2, width=half - 10, names=NAMES))
        parts.append(bars(learnt_bars, x=half, y=y + HEAD * 2, width=half - 10, names=NAMES))
        y += HEAD * 2 + len(guessed) * ROW + GAP
    return parts


def percent_of(share: float) -> str:
    return "0" if share == 0 else percent(share)
