"""How `--set` turns knobs, and what it says when it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from unmask.base.errors import RequestError, TrainingError
from unmask.base.runtime import quick_dtype, resolve_device
from unmask.recipes.describe import docstrings, knobs_of
from unmask.recipes.knobs import Training, turned, value_of, written


@dataclass(frozen=True, kw_only=True)
class Knobs(Training):
    storeys: int = 3
    """How high."""
    name: str = "a=b"
    order: Literal["up", "down"] = "up"
    """Which way."""
    rate: float = 0.5


def test_each_value_is_read_as_its_knob_wants_it():
    knobs = turned(
        Knobs, ["storeys=7", "name = c=d", "order=down", "clip=none", "average=0.999", "compile=True", "micro_rows=4"]
    )
    assert (knobs.storeys, knobs.name, knobs.order) == (7, "c=d", "down")
    assert (knobs.clip, knobs.average, knobs.compile, knobs.micro_rows) == (None, 0.999, True, 4)


def test_what_is_not_turned_stays_and_a_recipe_may_choose_its_own():
    knobs = turned(Knobs, [])
    assert (knobs.rate, knobs.clip, knobs.seed, Training().rate) == (0.5, 1.0, 0, 1e-3)


def test_the_last_of_two_turns_counts():
    assert turned(Knobs, ["storeys=4", "storeys=5"]).storeys == 5


def test_what_is_written_reads_as_what_it_was():
    assert [written(each) for each in (None, True, 0.5, "a", 3)] == ["none", "true", "0.5", "a", "3"]


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("storeys", "it was given 'storeys'"),
        ("stoery=3", "There is no knob 'stoery'. Did you mean 'storeys'? All knobs: field, by, "),
        ("storeys=3.5", "storeys cannot be '3.5'; it wants a whole number."),
        ("storeys=none", "storeys cannot be 'none'; it wants a whole number."),
        ("rate=fast", "rate cannot be 'fast'; it wants a number."),
        ("clip=off", "clip cannot be 'off'; it wants a number or none."),
        ("compile=1", "compile cannot be '1'; it wants true or false."),
        ("order=donw", "order cannot be 'donw'; it can be up, down. Did you mean 'down'?"),
    ],
)
def test_what_cannot_be_is_told(assignment: str, told: str):
    with pytest.raises(RequestError) as caught:
        turned(Knobs, [assignment])
    assert told in str(caught.value)


def test_an_optional_text_may_be_none_or_not():
    assert (value_of("device", str | None, "None"), value_of("device", str | None, "cpu")) == (None, "cpu")


def test_the_loop_is_told_what_the_knobs_say():
    settings = turned(
        Knobs, ["steps=9", "rate=0.01", "beta2=0.99", "schedule=wsd", "warmup=2", "floor=0", "dtype=bfloat16"]
    ).settings()
    assert (settings.steps, settings.optimizer.rate, settings.optimizer.betas) == (9, 0.01, (0.9, 0.99))
    assert (settings.schedule.shape, settings.schedule.warmup, settings.schedule.floor) == ("wsd", 2, 0.0)
    assert settings.dtype == "bfloat16"


def test_a_knob_out_of_its_range_is_refused():
    with pytest.raises(TrainingError, match="steps is 0; it must be at least 1"):
        turned(Knobs, ["steps=0"]).settings()


def test_the_docstring_under_a_field_is_what_it_is_for():
    about = docstrings(Knobs)
    assert (about["storeys"], about["order"], about["name"]) == ("How high.", "Which way.", "")
    assert about["rate"] == "The highest learning rate."  # said where it is shared


def test_a_recipes_own_knobs_are_listed_first():
    listed = knobs_of(Knobs)
    assert [each.name for each in listed[:4]] == ["storeys", "name", "order", "field"]
    assert [(each.kind, each.default) for each in listed[:3]] == [
        ("a whole number", 3),
        ("a text", "a=b"),
        ("up|down", "up"),
    ]
    assert {each.name: each.default for each in listed}["rate"] == 0.5


def test_every_shared_knob_says_what_it_is_for():
    assert [name for name, text in docstrings(Training).items() if not text] == []


def test_the_dtype_is_what_this_machine_multiplies_fastest_unless_it_is_told():
    assert Knobs().settings().dtype == quick_dtype(resolve_device(None))
    assert turned(Knobs, ["dtype=float32"]).settings().dtype == "float32"
