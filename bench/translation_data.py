"""The pairs that bench/translation.py learns from and is judged by: shared data, one vocabulary for every system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT
from unmask.base.streams import stream
from unmask.data.parallel import PairBatches, Parallel, parallel
from unmask.recipes.pairs import Pairs, read_pairs, split
from unmask.recipes.running import vocabulary
from unmask.text.tokenizer import Tokenizer

VOCAB = 4_000
HELD = 1_000
"""Pairs, about, that are held out of those to learn from: sizes and rates are chosen by them."""


@dataclass(frozen=True)
class PairSet:
    """Files of the shared data: two that belong together, or a table; fields are its columns.

    Args:
        length: the most tokens of a row.
        most: sentences that may be joined to one text to learn from, as often 1 as 2 and so on.
    """

    learn: tuple[str, ...]
    test: tuple[str, ...]
    source: str
    target: str
    length: int = 64
    most: int = 1


MULTI30K = PairSet(("multi30k/train.de.gz", "multi30k/train.en.gz"), ("multi30k/val.de", "multi30k/val.en"), "de", "en")
SETS = {
    "multi30k": MULTI30K,
    "joined": replace(MULTI30K, length=160, most=4),
    "tatoeba": PairSet(("tatoeba_cmn_eng/train.tsv.gz",), ("tatoeba_cmn_eng/dev.tsv",), "en", "zh"),
}


@dataclass(frozen=True, eq=False)
class Material:
    """Pairs as ids, and what belongs to them; sources of the test end in the end token."""

    tokenizer: Tokenizer
    learning: Parallel
    held: Parallel
    test: list[list[int]]
    sources: Sequence[str]
    references: Sequence[str]
    language: str
    length: int
    end: int
    pad: int

    def batches(self, pairs: Parallel, *, rows: int, seed: int) -> PairBatches:
        return PairBatches(pairs, rows=rows, seed=seed, start=self.pad, pad=self.pad)


def material(name: str, folder: Path) -> Material:
    """A set's pairs; its vocabulary is made once and kept in `folder`."""
    chosen, length = SETS[name], SETS[name].length
    whole, test = pairs(chosen.learn, chosen), pairs(chosen.test, chosen)
    learning, held = split(whole, HELD / len(whole.sources))
    tokenizer = vocabulary(learning.fingerprint, learning.texts(), "unigram", VOCAB, folder / f"{name}-vocabulary")
    end = min(tokenizer.ends)
    assert tokenizer.pad is not None

    def ids(of: Pairs) -> Parallel:
        sides = (tokenizer.rows(side, special=False) for side in (of.sources, of.targets))
        return parallel(*sides, end=end, length=length)

    return Material(
        tokenizer=tokenizer,
        learning=ids(grouped(learning, chosen.most)),
        held=ids(held),
        test=[[*row[: length - 1], end] for row in tokenizer.rows(test.sources, special=False)],
        sources=test.sources,
        references=test.targets,
        language=chosen.target,
        length=length,
        end=end,
        pad=tokenizer.pad,
    )


def pairs(files: Sequence[str], chosen: PairSet) -> Pairs:
    shared = Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared"))
    return read_pairs([shared / "data" / file for file in files], source=chosen.source, target=chosen.target)


def joined(texts: Sequence[str], count: int) -> list[str]:
    """So many texts after one another as one; what is left over at the end is left out."""
    return [" ".join(texts[at : at + count]) for at in range(0, len(texts) - count + 1, count)]


def grouped(of: Pairs, most: int) -> Pairs:
    """Pairs joined to texts of 1 to `most` sentences, by chance, each pair once."""
    counts = stream(0, "joined sentences").integers(1, most + 1, size=len(of.sources))
    bounds = [0, *(int(end) for end in counts.cumsum() if end < len(of.sources)), len(of.sources)]
    sides = (tuple(" ".join(side[begin:end]) for begin, end in pairwise(bounds)) for side in (of.sources, of.targets))
    return Pairs(*sides)
