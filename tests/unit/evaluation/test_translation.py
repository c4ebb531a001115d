"""Scores of translations and of alignments."""

from __future__ import annotations

import math
import sys
from collections import Counter

import pytest

from unmask.base.errors import DataError, MissingExtra
from unmask.evaluation.translation import Links, alignment_error_rate, scores

SAID = ["the cat sat on the mat .", "a dog runs across the street ."]
WANTED = ["the cat sat on a mat .", "a dog is running over the street ."]


def counted_bleu(said: list[list[str]], wanted: list[list[str]]) -> float:
    """Papineni et al. 2002, section 2.3, counted by hand."""
    means = []
    for size in range(1, 5):
        hits = total = 0
        for mine, theirs in zip(said, wanted, strict=True):
            grams, known = (
                Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1)) for words in (mine, theirs)
            )
            hits += (grams & known).total()
            total += grams.total()
        means.append(math.log(hits / total))
    lengths = [sum(map(len, each)) for each in (said, wanted)]
    return 100 * math.exp(min(0.0, 1 - lengths[1] / lengths[0]) + sum(means) / 4)


def test_bleu_is_that_of_the_paper():
    hand = counted_bleu([each.split() for each in SAID], [each.split() for each in WANTED])
    assert scores(SAID, WANTED).bleu == pytest.approx(hand, abs=1e-9)


def test_chinese_is_counted_by_characters():
    said, wanted = ["我喜欢在公园里散步。"], ["我喜欢在花园里散步。"]
    hand = counted_bleu([list(said[0])], [list(wanted[0])])
    assert scores(said, wanted, language="zh").bleu == pytest.approx(hand, abs=1e-9)
    assert scores(said, wanted, language="zh-Hans").bleu == scores(said, wanted, language="zh").bleu
    assert "tok:zh" in scores(said, wanted, language="zh_CN").signature


def test_chrf_is_100_for_the_reference_itself_and_less_for_else():
    assert scores(WANTED, WANTED).chrf == pytest.approx(100)
    assert 40 < scores(SAID, WANTED).chrf < 90


def test_as_many_translations_as_references_are_needed():
    with pytest.raises(DataError, match="There are 2 translations and 1 references"):
        scores(SAID, WANTED[:1])
    with pytest.raises(DataError, match="There are 0 translations and 0 references"):
        scores([], [])


def test_without_sacrebleu_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(MissingExtra, match=r"sacrebleu.*pip install 'unmask\[eval\]'"):
        scores(SAID, WANTED)


def test_the_alignment_error_rate_counts_sure_and_possible_links():
    # Links 0-0 and 2-1 are made. Sure: 0-0, 1-1; possible beside them: 2-1.
    # |A & S| = 1, |A & P| = 2, |A| = 2, |S| = 2: 1 - 3 / 4.
    wanted = Links(sure=frozenset({(0, 0), (1, 1)}), possible=frozenset({(2, 1)}))
    assert alignment_error_rate([[(0, 0), (2, 1)]], [wanted]) == pytest.approx(0.25)


def test_all_sure_links_and_only_possible_ones_beside_them_are_no_error():
    wanted = Links(sure=frozenset({(0, 0)}), possible=frozenset({(1, 0)}))
    assert alignment_error_rate([[(0, 0), (1, 0)]], [wanted]) == 0
    assert alignment_error_rate([[(0, 0)]], [wanted]) == 0
    assert alignment_error_rate([[(5, 5)]], [wanted]) == 1


def test_sentences_are_counted_together_not_one_by_one():
    wanted = [Links(frozenset({(0, 0)})), Links(frozenset({(0, 0), (1, 1), (2, 2)}))]
    # |A & S| = |A & P| = 1, |A| = 2, |S| = 4.
    assert alignment_error_rate([[(0, 0)], [(1, 0)]], wanted) == pytest.approx(1 - 2 / 6)
