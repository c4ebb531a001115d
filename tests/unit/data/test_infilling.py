"""GLM's rows against those of its own code."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unmask.data.batch import IGNORED
from unmask.data.infilling import Infilling, continuation, infilling


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((shared / "golden/glm-blank-infilling/inputs.json").read_text())
    return document


def made(case: dict[str, Any], ids: dict[str, int]) -> Infilling:
    text, mask = np.array(case["tokens"]), ids[case["mask_token"]]
    if case["kind"] == "document":
        return continuation(text, case["generation_length"], mask=mask, start=ids["sop"])
    spans = [(begin, end) for begin, end in case["fill_order"]]
    return infilling(text, spans, mask=mask, start=ids["sop"], end=ids["eop"])


@pytest.mark.shared
def test_every_row_is_that_of_the_published_code(golden: dict[str, Any]):
    assert len(golden["cases"]) == 12
    for case in golden["cases"]:
        row, expected = made(case, golden["special_tokens"]), case["expected"]
        asked = np.array(expected["loss_mask"]) == 1
        assert row.tokens.tolist() == expected["input_ids"]
        assert row.targets.tolist() == np.where(asked, expected["targets"], IGNORED).tolist()
        assert row.positions.tolist() == expected["position_ids"]
        assert row.prefix == expected["part_a_length"]


def test_blanks_side_by_side_are_two():
    row = infilling(np.arange(10, 18), [(3, 5), (1, 3)], mask=1, start=2, end=3)
    assert row.tokens.tolist() == [10, 1, 1, 15, 16, 17, 2, 13, 14, 2, 11, 12]
    assert row.targets.tolist() == [IGNORED] * 6 + [13, 14, 3, 11, 12, 3]
    assert row.positions.tolist() == [[0, 1, 2, 3, 4, 5, 2, 2, 2, 1, 1, 1], [0] * 6 + [1, 2, 3, 1, 2, 3]]


def test_a_text_without_blanks_is_all_part_a():
    row = infilling(np.arange(5), [], mask=1, start=2, end=3)
    assert row.prefix == 5
    assert row.tokens.tolist() == list(range(5))
    assert row.targets.tolist() == [IGNORED] * 5


def test_filling_the_blanks_gives_the_text_back():
    text, spans = np.arange(10, 40), [(20, 25), (1, 2), (7, 19)]
    row = infilling(text, spans, mask=1, start=2, end=3)
    starts = [*(np.flatnonzero(row.tokens[row.prefix :] == 2) + row.prefix), len(row.tokens)]
    filled = {row.positions[0, begin]: row.targets[begin : end - 1].tolist() for begin, end in pairwise(starts)}
    whole = [each for at, token in enumerate(row.tokens[: row.prefix].tolist()) for each in filled.get(at, [token])]
    assert whole == text.tolist()
