"""What a run is asked: schedules against their papers' formulas, and refusals."""

from __future__ import annotations

import math

import pytest

from unmask.base.errors import TrainingError
from unmask.training.settings import AdamW, Schedule, TrainSettings


def test_every_schedule_rises_in_equal_steps_to_its_peak():
    for shape in ("constant", "cosine", "linear", "wsd", "noam"):
        schedule = Schedule(shape, warmup=4)
        assert [schedule.share(step, 100) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_cosine_falls_by_half_a_wave_to_its_floor():
    schedule = Schedule("cosine", warmup=10, floor=0.1)
    for step in (10, 37, 99):
        gone = (step - 10) / 90
        assert schedule.share(step, 100) == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * gone)))
    assert schedule.share(100, 100) == pytest.approx(0.1)


def test_linear_falls_in_equal_steps():
    schedule = Schedule("linear", warmup=0, floor=0.0)
    assert [schedule.share(step, 4) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_wsd_stays_until_its_decline():
    schedule = Schedule("wsd", warmup=2, floor=0.0, decline=0.25)
    assert [schedule.share(step, 8) for step in range(2, 9)] == [1, 1, 1, 1, 1, 0.5, 0]


def test_noam_is_that_of_the_transformers_equation():
    width, warmup = 512, 4000
    schedule = Schedule("noam", warmup=warmup)
    peak = width**-0.5 * warmup**-0.5
    for step in (1, 100, 4000, 90_000):
        wanted = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert peak * schedule.share(step - 1, 100_000) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Schedule("cosin"), "Unknown schedule 'cosin'.*Did you mean 'cosine'"),
        (lambda: Schedule(warmup=-1), "warmup is -1; it must be at least 0"),
        (lambda: Schedule(floor=2), "floor is 2; it must be from 0 to 1"),
        (lambda: AdamW(rate=0), "learning rate is 0; it must be above 0"),
        (lambda: AdamW(betas=(0.9, 1.0)), r"betas are \(0.9, 1.0\)"),
        (lambda: TrainSettings(steps=0), "steps is 0; it must be at least 1"),
        (lambda: TrainSettings(steps=1, clip=0), "clip is 0; it must be above 0, or none"),
        (lambda: TrainSettings(steps=1, dtype="float16"), "computes in float32, bfloat16; dtype is 'float16'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value(make, words):
    with pytest.raises(TrainingError, match=words):
        make()
