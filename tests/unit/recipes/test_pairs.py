"""Pairs of texts from files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from unmask.base.errors import DataError
from unmask.recipes.pairs import Pairs, read_pairs, split


def test_a_table_has_both_sides(tmp_path: Path):
    path = tmp_path / "pairs.tsv"
    path.write_text("en\tid\tzh\nStop!\t1\t住手！\nI'm shy.\t2\t我很害羞。\n")
    assert read_pairs([path], source="en", target="zh") == Pairs(("Stop!", "I'm shy."), ("住手！", "我很害羞。"))


def test_two_files_belong_together_line_by_line_empty_ones_too(tmp_path: Path):
    english, german = tmp_path / "a.en", tmp_path / "a.de.gz"
    english.write_text("one\n\nthree\n")
    german.write_bytes(gzip.compress(b"eins\nzwei\ndrei\n"))
    assert read_pairs([english, german], source="", target="") == Pairs(("one", "", "three"), ("eins", "zwei", "drei"))


def test_files_of_unequal_length_are_refused(tmp_path: Path):
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("eins\n")
    with pytest.raises(DataError, match="have 2 and 1 lines"):
        read_pairs([tmp_path / "a", tmp_path / "b"], source="", target="")


def test_three_plain_files_are_no_pairs(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"tables \(\.tsv, \.jsonl\) or from plain files two by two.* 3 plain files: .*/a"
    ):
        read_pairs([tmp_path / each for each in "abc"], source="", target="")


def test_plain_files_are_taken_two_by_two_and_tables_beside_them(tmp_path: Path):
    for name, text in {"a.de": "ein\n", "a.en": "one\n", "b.de": "zwei\ndrei\n", "b.en": "two\nthree\n"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "c.jsonl").write_text('{"en": "four", "de": "vier"}\n')
    named = [tmp_path / each for each in ("a.de", "a.en", "c.jsonl", "b.de", "b.en")]
    found = read_pairs(named, source="de", target="en")
    assert set(zip(found.sources, found.targets, strict=True)) == {
        ("ein", "one"),
        ("zwei", "two"),
        ("drei", "three"),
        ("vier", "four"),
    }


def test_the_files_of_a_folder_are_taken_by_name(tmp_path: Path):
    (tmp_path / "b.txt").write_text("one\n")
    (tmp_path / "a.txt").write_text("eins\n")
    assert read_pairs([tmp_path], source="", target="") == Pairs(("eins",), ("one",))


def test_what_is_read_is_in_one_part_alone_and_every_pair_in_one():
    pairs = Pairs(tuple(f"text {n % 500}" for n in range(1000)), tuple(map(str, range(1000))))
    learning, held = split(pairs, 0.2)
    assert not set(learning.sources) & set(held.sources)
    assert sorted([*learning.targets, *held.targets], key=int) == list(pairs.targets)
    assert 140 < len(held.targets) < 260  # 200 in the mean, of 500 pairs of equal texts: 9 deviations


def test_a_part_without_a_pair_is_refused():
    with pytest.raises(DataError, match="Of 1 pairs of texts, 1 are to learn from and 0 to judge by"):
        split(Pairs(("a",), ("b",)), 0.0)


def test_another_text_has_another_fingerprint():
    made = [Pairs(("a",), ("b",)), Pairs(("b",), ("a",)), Pairs(("ab",), ("",))]
    assert len({each.fingerprint for each in made}) == 3
