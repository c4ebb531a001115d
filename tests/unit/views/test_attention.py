from __future__ import annotations

import re
from base64 import b64decode
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import unmask
from unmask.base.errors import RequestError
from unmask.core.trace import Trace, Watch
from unmask.generation.look import Look
from unmask.views.attention import attention_view
from unmask.views.maps import LANES, LINE, SIZE, staggered
from unmask.views.svg import ems
from unmask.views.view import View

SPACE = "{http://www.w3.org/2000/svg}"
HALF_A_STEP = 1 / 255  # of a byte that holds a square root: its square is off by at most this


def random(heads: int, length: int, seed: int = 0) -> Tensor:
    """Attention [1, H, T, T] of a model that sees only what came before."""
    scores = torch.randn(1, heads, length, length, generator=torch.Generator().manual_seed(seed))
    ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(ahead, float("-inf")).softmax(-1)


def look(weights: dict[int, Tensor], tokens: list[str], heads: tuple[int, ...] | None = None) -> Look:
    ends = [sum(map(len, tokens[: at + 1])) for at in range(len(tokens))]
    spans = tuple((end - len(token), end) for token, end in zip(tokens, ends, strict=True))
    watched = tuple(range(next(iter(weights.values())).shape[1])) if heads is None else heads
    return Look(
        "".join(tokens), tuple(range(len(tokens))), spans, tuple(tokens), Trace(tuple(weights), watched, weights)
    )


@pytest.fixture
def four() -> Look:
    """Two layers of two heads over four tokens, three words."""
    return look({3: random(2, 4, seed=1), 5: random(2, 4, seed=2)}, ["The", " ca", "t", " sat"], heads=(1, 4))


def seen(read: Look, **settings: Any) -> View:
    return attention_view(read, name="model", tongue=settings.pop("tongue", "en"), **settings)


def unpacked(cells: str) -> list[float]:
    """As the data itself says: weight = (byte / 255) ** 2."""
    return [(byte / 255) ** 2 for byte in b64decode(cells)]


def maps(view: View) -> dict[tuple[int, int | None], list[float]]:
    return {(each["layer"], each["head"]): unpacked(each["cells"]) for each in view.data["maps"]}  # type: ignore


def test_the_data_are_the_weights_between_words(four: Look):
    view = seen(four)
    assert (view.data["words"], view.data["groups"]) == (["The", "cat", "sat"], [(0,), (1, 2), (3,)])
    for layer, weights in four.trace.weights.items():
        expected = []
        for at, head in enumerate((1, 4)):
            table = weights[0, at].tolist()
            rows = [[row[0], row[1] + row[2], row[3]] for row in table]
            rows[1:3] = [[(a + b) / 2 for a, b in zip(rows[1], rows[2], strict=True)]]
            expected.append([weight for row in rows for weight in row])
            assert maps(view)[layer, head] == pytest.approx(expected[-1], abs=HALF_A_STEP)
        mean = [(a + b) / 2 for a, b in zip(*expected, strict=True)]
        assert maps(view)[layer, None] == pytest.approx(mean, abs=HALF_A_STEP)


def test_unmerged_the_data_are_the_weights_between_tokens(four: Look):
    view = seen(four, merge=False)
    assert view.data["words"] == ["The", "ca", "t", "sat"]
    assert maps(view)[5, 4] == pytest.approx(four.trace.weights[5][0, 1].flatten().tolist(), abs=HALF_A_STEP)
    assert not any("merged" in note for note in view.notes)


def test_a_long_texts_thumbnail_is_the_strongest_of_each_part():
    weights = random(1, 96)
    view = seen(look({0: weights}, ["a "] * 96), merge=False)
    thumbnail = unpacked(view.data["thumbnails"][0][0])  # type: ignore
    table = weights[0, 0].tolist()
    for row in range(24):
        for column in range(24):
            part = [table[4 * row + a][4 * column + b] for a in range(4) for b in range(4)]
            assert thumbnail[24 * row + column] == pytest.approx(max(part), abs=HALF_A_STEP)


def test_the_statistics_are_of_each_head_by_its_own_number(four: Look):
    found = seen(four).data["statistics"]
    assert [(each["layer"], each["head"]) for each in found] == [(3, 1), (3, 4), (5, 1), (5, 4)]  # type: ignore
    first = [sum(row[0] for row in four.trace.weights[5][0, 0].tolist()) / 4]
    assert [found[2]["first"]] == pytest.approx(first, abs=1e-4)  # type: ignore


def test_the_head_that_looks_most_at_the_token_before_is_shown_first():
    weights = {0: random(3, 5), 2: random(3, 5, seed=1)}
    weights[2][0, 1] = torch.eye(5).roll(-1, dims=1).tril()
    weights[2][0, 1, 0, 0] = 1.0
    read = look(weights, list("abcde"))
    assert seen(read).data["chosen"] == {"layer": 2, "head": 1}
    assert "Layer 2, head 1" in seen(read).svg


@pytest.mark.parametrize(
    ("layer", "head", "chosen"),
    [(5, None, {"layer": 5, "head": None}), (3, 4, {"layer": 3, "head": 4})],
)
def test_what_is_asked_for_is_shown_first(four: Look, layer: int, head: int | None, chosen: dict[str, int | None]):
    view = seen(four, layer=layer, head=head)
    assert view.data["chosen"] == chosen
    assert ("Layer 5, mean of its heads" if head is None else "Layer 3, head 4") in view.svg


def test_of_a_head_without_a_layer_the_plainest_layer_is_shown(four: Look):
    best = max(
        four.trace.weights,
        key=lambda layer: sum(float(four.trace.weights[layer][0, 1, at, at - 1]) for at in (1, 2, 3)),
    )
    assert seen(four, head=4).data["chosen"] == {"layer": best, "head": 4}


def test_what_was_not_watched_cannot_be_shown(four: Look):
    with pytest.raises(RequestError, match="Layer 4 was not watched; choose one of 3, 5"):
        seen(four, layer=4)
    with pytest.raises(RequestError, match="Head 0 was not watched; choose one of 1, 4"):
        seen(four, head=0)


def test_a_long_text_keeps_the_chosen_layer_whole_and_says_what_it_leaves_out():
    weights = random(9, 512)
    read = look(dict.fromkeys(range(12), weights), ["词"] * 512)  # no blanks to tell words apart by
    view = seen(read, layer=7, head=3, merge=False)
    kept = [(each["layer"], each["head"]) for each in view.data["maps"]]  # type: ignore
    assert (7, 3) in kept
    assert {layer for layer, _ in kept} == {7}
    assert len(kept) == 1_500_000 // 512**2 == 5
    drawn, dropped = 5 * 512**2, 115 * 512**2
    assert any(f"Cells drawn: {drawn:,}; left out: {dropped:,}. 5 of 120 maps" in note for note in view.notes)
    assert len(view.html().encode()) < 3_000_000
    assert len(view.svg.encode()) < 3_000_000


def test_of_a_text_too_long_for_any_map_the_thumbnails_are_shown():
    view = seen(look({0: random(1, 1300)}, ["a "] * 1300), merge=False)
    assert view.data["maps"] == []
    assert len(view.data["thumbnails"][0]) == 2  # type: ignore
    assert any("0 of 2 maps are whole" in note for note in view.notes)
    ElementTree.fromstring(view.svg)


def test_a_short_text_leaves_nothing_out(four: Look):
    assert not any("Cells" in note for note in seen(four).notes)


def test_the_picture_is_valid_and_its_cells_tell_their_weights(four: Look):
    root = ElementTree.fromstring(seen(four, layer=3, head=1).svg)
    titles = [each.text or "" for each in root.iter(f"{SPACE}title")]
    told = {title.split(":")[0]: float(title.split(": ")[1]) for title in titles if "→" in title}
    assert len(told) == 9
    assert told["The → The"] == 1.0
    assert told["sat → The"] == pytest.approx(float(four.trace.weights[3][0, 0, 3, 0]), abs=5e-4)
    assert "Layer 5, mean of its heads" in titles


def test_nothing_in_picture_or_page_is_turned_or_comes_from_elsewhere(four: Look):
    view = seen(four)
    for text in (view.svg, view.html()):
        assert not re.search("rotate|writing-mode", text)
        assert set(re.findall("https?://[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}


def test_the_page_speaks_chinese(four: Look):
    view = seen(four, tongue="zh")
    assert view.title == "model 的注意力"
    page = view.html()
    # What is left in Latin letters between the tags is the text, the model's name, and those of two papers.
    visible = re.sub("<(style|script).*?</\\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    known = {"model", "The", "cat", "sat", "Jain", "Wallace", "Wiegreffe", "Pinter"}
    assert set(re.findall("[A-Za-z]{2,}", visible)) <= known


def test_the_notes_say_what_weights_are_not(four: Look):
    notes = " ".join(seen(four).notes)
    assert "not why the model answers" in notes
    assert "A mean of heads is a mean" in notes
    assert "no induction score" in notes


def test_a_hostile_text_stays_text():
    view = seen(look({0: random(1, 2)}, ["<script>", "\x00'\"&</title>"]), merge=False)
    ElementTree.fromstring(view.svg)
    assert "<script>'" not in view.html()
    assert view.data["words"] == ["<script>", "\x00'\"&</title>"]


def test_a_single_token_has_a_picture_too():
    view = seen(look({0: torch.ones(1, 1, 1, 1)}, ["a"]))
    assert maps(view) == {(0, 0): [1.0], (0, None): [1.0]}
    ElementTree.fromstring(view.svg)
    view.json()


def test_a_real_reading_is_drawn(tiny_model: unmask.Model):
    read = tiny_model.trace("The quick brown fox. 一只猫。", Watch(layers=(1,), heads=(0, 2)))
    view = seen(read)
    sums = [sum(cells[: len(view.data["words"])]) for cells in maps(view).values()]  # type: ignore
    assert sums == pytest.approx([1.0] * 3, abs=0.05)  # of some twenty rounded cells


names = st.lists(st.text(alphabet="abcdefgh猫，", min_size=1, max_size=20), min_size=1, max_size=80)


@given(words=names, cell=st.floats(1.5, 34))
def test_no_column_name_runs_into_another_or_into_anothers_line(words: list[str], cell: float):
    headers = staggered(words, cell)
    for at, one in enumerate(headers):
        assert one.lane < LANES
        for other in headers[at + 1 :]:
            if one.lane == other.lane:
                assert one.end <= other.start + 1e-6
        for other in headers:
            if one is not other and other.lane > one.lane:
                assert not one.start < other.at < one.end


def test_short_names_stand_right_above_their_columns():
    headers = staggered(["小猫", "坐在", "垫子", "上"], 34)
    assert [each.lane for each in headers] == [0, 0, 0, 0]
    assert [(each.start + each.end) / 2 for each in headers] == [17, 51, 85, 119]
    assert LINE > SIZE
    assert headers[0].end - headers[0].start == ems("小猫") * SIZE
