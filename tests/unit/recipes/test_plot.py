"""The curve of a run."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from unmask.recipes.plot import BOTTOM, LEFT, RIGHT, TOP, picture, save, smoothed, ticks
from unmask.views.svg import COOL, WARM

SPACE = "{http://www.w3.org/2000/svg}"


def learnt(*losses: float) -> list[dict[str, object]]:
    return [{"step": 10 * (number + 1), "loss": loss} for number, loss in enumerate(losses)]


def drawn(log: list[dict[str, object]], tongue: str = "en") -> ElementTree.Element:
    return ElementTree.fromstring(picture(log, name="a run", tongue=tongue))


def curve(of: ElementTree.Element, colour: str) -> list[list[tuple[float, float]]]:
    lines = [each.get("points", "").split() for each in of.iter(f"{SPACE}polyline") if each.get("stroke") == colour]
    return [[tuple(map(float, point.split(","))) for point in line] for line in lines]  # type: ignore[misc]


def texts(of: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in of.iter(f"{SPACE}text")]


def test_a_point_stands_where_its_step_and_loss_are():
    raw, _ = curve(drawn(learnt(4.0, 3.0, 2.0, 2.0)), COOL)
    assert len(raw) == 4
    assert [x for x, _ in raw] == pytest.approx([LEFT + (RIGHT - LEFT) * step / 40 for step in (10, 20, 30, 40)])
    assert raw[2] == pytest.approx((raw[2][0], raw[3][1]))
    assert TOP <= raw[0][1] < raw[1][1] < raw[2][1] <= BOTTOM


def test_validation_has_a_curve_of_its_own_and_its_last_value_in_words():
    log = [*learnt(4.0, 3.0), {"step": 10, "validation": {"loss": 3.5}}, {"step": 20, "validation": {"loss": 3.25}}]
    found = drawn(log)
    assert len(curve(found, WARM)[0]) == 2
    assert "validation 3.250" in texts(found)


def test_a_single_look_is_a_dot():
    found = drawn([*learnt(4.0, 3.0), {"step": 20, "validation": {"loss": 3.25}}])
    assert [each.get("fill") for each in found.iter(f"{SPACE}circle")] == [WARM]


def test_the_smooth_curve_is_a_mean_that_forgets():
    values = [5.0, 1.0, 3.0]
    weights = [[1.0], [0.8, 1.0], [0.64, 0.8, 1.0]]
    means = [sum(w * v for w, v in zip(each, values[: len(each)], strict=True)) / sum(each) for each in weights]
    assert [mean for _, mean in smoothed(list(enumerate(values)))] == pytest.approx(means)


def test_a_loss_that_is_no_number_is_left_out():
    assert all(len(line) == 2 for line in curve(drawn(learnt(4.0, math.nan, 2.0)), COOL))


def test_a_log_without_lines_is_an_empty_frame_with_a_title():
    assert texts(drawn([])) == ["Loss of a run"]


def test_it_speaks_chinese():
    found = texts(drawn(learnt(4.0, 3.0), "zh"))
    assert found[0] == "a run 的损失"
    assert "步数" in found


def test_it_suits_a_dark_screen_and_a_light_one():
    (style,) = [each.text or "" for each in drawn(learnt(1.0)).iter(f"{SPACE}style")]
    assert "prefers-color-scheme:dark" in style


def test_a_thousand_times_the_steps_make_no_larger_picture():
    assert len(picture(learnt(*[1.0 + 1 / (n + 1) for n in range(100_000)]), name="a", tongue="en")) < 200_000


@pytest.mark.parametrize(
    ("low", "high"), [(0, 2000), (1.2, 4.3), (0.01, 0.013), (2.0, 2.0), (0, 7), (0.0, 0.0), (3, 1e6)]
)
def test_ticks_are_few_round_and_reach_around(low: float, high: float):
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    assert found[0] <= low + 1e-9
    assert found[-1] >= high - 1e-9
    gaps = {round(b - a, 9) for a, b in pairwise(found)}
    assert len(gaps) == 1
    mantissa = gaps.pop() / 10 ** math.floor(math.log10(found[1] - found[0]) + 1e-9)
    assert min(abs(mantissa - each) for each in (1, 2, 5, 10)) < 1e-6


def test_the_picture_of_a_folder_is_of_its_log(tmp_path: Path):
    folder = tmp_path / "my run"
    folder.mkdir()
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, learnt(4.0, 3.0))))
    save(folder)
    assert "Loss of my run" in (folder / "loss.svg").read_text()
