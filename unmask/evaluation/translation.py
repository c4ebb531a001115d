"""How good translations are: BLEU and chrF against references, and alignments against links that people made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from unmask.base.errors import DataError, MissingExtra

WORDS = {"zh": "zh", "ja": "char", "ko": "char", "th": "char"}
"""How BLEU cuts what is not written with blanks; "13a" cuts all else, as WMT's own script did."""

Link = tuple[int, int]
"""A source word and the target word that it belongs to, both counted from 0."""


@dataclass(frozen=True)
class Scores:
    """Of a whole file, from 0 to 100, and how they were counted, for others to repeat it.

    Sources: BLEU, Papineni et al. 2002, section 2.3; chrF2, Popović 2015, section 2; both as sacrebleu counts them
    (Post 2018, section 3).
    """

    bleu: float
    chrf: float
    signature: str


def scores(said: Sequence[str], wanted: Sequence[str], *, language: str = "en") -> Scores:
    """Score translations against one reference each.

    Args:
        language: of the translations, as "en" or "zh-Hans": it decides what BLEU takes for a word.
    Raises:
        MissingExtra: if sacrebleu is not installed.
        DataError: if there is not one reference for each, or none at all.
    """
    if len(said) != len(wanted) or not said:
        raise DataError(
            "There are {said} translations and {wanted} references; each needs the other, and there must be some.",
            said=len(said),
            wanted=len(wanted),
        )
    library = sacrebleu()
    cut = WORDS.get(language.replace("_", "-").split("-")[0].lower(), "13a")
    bleu, chrf = library.BLEU(tokenize=cut), library.CHRF()
    references = [list(wanted)]
    return Scores(
        bleu=bleu.corpus_score(list(said), references).score,
        chrf=chrf.corpus_score(list(said), references).score,
        signature=f"{bleu.get_signature()} / {chrf.get_signature()}",
    )


def sacrebleu() -> Any:
    try:
        return import_module("sacrebleu.metrics")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Scores of translations need {package}. Run: pip install 'unmask[eval]'", package=error.name
        ) from error


@dataclass(frozen=True)
class Links:
    """What people linked in a pair of sentences.

    Args:
        sure: what all would link.
        possible: what one may link or not; the sure ones may be left out here.
    """

    sure: frozenset[Link]
    possible: frozenset[Link] = frozenset()


def alignment_error_rate(found: Iterable[Iterable[Link]], wanted: Iterable[Links]) -> float:
    """From 0, every sure link found and none that is not possible, to 1; counted over all sentences together.

    Raises:
        ValueError: if there are not as many sentences on both sides.
    Source: Och and Ney 2003, section 4.2, equation 24 with its sets of sure and possible links.
    """
    hits = total = 0
    for made, links in zip(found, wanted, strict=True):
        linked = set(made)
        hits += len(linked & links.sure) + len(linked & (links.sure | links.possible))
        total += len(linked) + len(links.sure)
    return 1 - hits / total if total else 0.0
