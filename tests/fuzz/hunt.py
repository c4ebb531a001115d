"""One parser and many damaged inputs: each in bounded time and memory, each new fault once and as small as can be.

This runs in a process of its own. What ends that process (an abort in a library, a hang) ends no more than it; the case
that did it lies in the scratch file.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import random
import resource
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.fuzz.case import Case, Workplace
from tests.fuzz.chance import Chance, Player, Recorder, shrink

SESSION = 1_000
"""Cases at once by chance."""
BY_HYPOTHESIS = 200
"""So many cases are made by hypothesis, which goes from one to the next with more thought; those after by chance."""
SHRINKS = 1_000
"""The most cases tried to make one of them small."""
LARGEST_GROWTH = 256 << 20
"""Bytes that reading a small file may take for a moment."""
ROOM = 1 << 30
"""Bytes that a process may take beyond those with which it began."""
MOST_FAULTS = 50
SEEDS = 1_000_003
"""From one session's seed to the next one's."""
TOLD = 100
"""Cases after which the tally is written down anew."""


class Fault(Exception):
    """Anything but an answer or an error of ours."""


@dataclass
class Tally:
    """What came of the cases of one parser."""

    cases: int = 0
    answered: int = 0
    refused: int = 0
    faults: dict[str, Case] = field(default_factory=dict)

    def text(self) -> str:
        """The tally as JSON."""
        faults = {kind: case.text() for kind, case in self.faults.items()}
        return json.dumps([self.cases, self.answered, self.refused, faults])

    @classmethod
    def parse(cls, text: str) -> Tally:
        """What `text` gave."""
        cases, answered, refused, faults = json.loads(text)
        return cls(cases, answered, refused, {kind: Case.parse(each) for kind, each in faults.items()})


class Hunt:
    """The search for one parser's faults.

    Args:
        seconds: the most that a case may take.
        scratch: holds the case that is being tried.
        log: where a hang is reported.
        told: holds the tally, which a dead process leaves behind.
    """

    def __init__(self, place: Workplace, *, seconds: float, scratch: BinaryIO, log: TextIO, told: Path) -> None:
        self.place, self.seconds, self.scratch, self.log, self.told = place, seconds, scratch, log, told
        self.tally = Tally()
        self.shrinking = False
        self.failed: tuple[str, Case] | None = None

    def run(self, cases: int, seed: int) -> Tally:
        """Try so many cases, which follow from `seed`."""
        for name in self.place.samples:
            assert self.place.attempt(Case(name, {})) == "answered", f"{name} is no right input"
        limit_memory()
        while self.tally.cases < cases and len(self.tally.faults) < MOST_FAULTS:
            thoughtful = BY_HYPOTHESIS - self.tally.cases
            most = min(thoughtful if thoughtful > 0 else SESSION, cases - self.tally.cases)
            (self.by_hypothesis if thoughtful > 0 else self.by_chance)(most, seed)
            if self.failed is not None:
                self.tally.faults[self.failed[0]] = self.failed[1]
            self.told.write_text(self.tally.text(), encoding="utf-8")
            seed += SEEDS
        return self.tally

    def by_hypothesis(self, cases: int, seed: int) -> None:
        """Let hypothesis make cases until one shows a new fault, which it then makes small."""
        self.shrinking, self.failed = False, None

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @hypothesis.given(st.data())
        def all_cases(data: st.DataObject) -> None:
            chance = Chance(lambda low, high: data.draw(st.integers(low, high)))
            case = self.place.parser.case(chance, self.place.samples)
            if self.is_new(case):
                raise Fault

        with contextlib.suppress(Fault), contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            all_cases()

    def by_chance(self, cases: int, seed: int) -> None:
        """Make cases by plain chance until one shows a new fault, and make that small: several times as fast."""
        self.shrinking, self.failed = False, None
        numbers = random.Random(seed)
        for _ in range(cases):
            recorder = Recorder(numbers)
            if self.is_new(self.place.parser.case(Chance(recorder.choose), self.place.samples)):
                shrink(recorder.chosen, self.fails, tries=SHRINKS)
                return

    def fails(self, choices: list[int]) -> bool:
        return self.is_new(self.place.parser.case(Chance(Player(choices.copy()).choose), self.place.samples))

    def is_new(self, case: Case) -> bool:
        """Whether a case shows a fault that was not known; while that is made small, whether it shows the same one."""
        kind = self.fault(case)
        if not self.shrinking:
            self.count()
        if kind is None or kind in self.tally.faults or (self.failed is not None and kind != self.failed[0]):
            return False
        self.shrinking, self.failed = True, (kind, case)
        return True

    def count(self) -> None:
        self.tally.cases += 1
        if self.tally.cases % TOLD == 0:
            self.told.write_text(self.tally.text(), encoding="utf-8")

    def fault(self, case: Case) -> str | None:
        """What is wrong with what came of a case; None if nothing is."""
        self.scratch.seek(0)
        self.scratch.write(case.text().encode("utf-8"))
        self.scratch.truncate()
        self.scratch.flush()
        with watched(self.seconds, self.log):
            before = peak_memory(reset=True)
            try:
                outcome = self.place.attempt(case)
            except BaseException as error:  # a Rust panic is no Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                return kind(error)
            grown = peak_memory(reset=False) - before
        if grown > LARGEST_GROWTH:
            return f"took more than {LARGEST_GROWTH >> 20} MB for a moment"
        if not self.shrinking:
            setattr(self.tally, outcome, getattr(self.tally, outcome) + 1)
        return None


@contextlib.contextmanager
def watched(seconds: float, log: TextIO) -> Iterator[None]:
    """End the process, and say where it was, if this takes longer; even a library that never comes back is ended."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=log)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def kind(error: BaseException) -> str:
    """Faults of the same kind come from the same line of ours."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "/unmask/" in each.filename] or [
        *traceback.extract_tb(error.__traceback__)
    ]
    last = frames[-1]
    words = " ".join(str(error).split())[:60] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.name}:{last.lineno} {words}".strip()


def peak_memory(*, reset: bool) -> int:
    """The most bytes that this process had in memory since the last reset, on Linux; elsewhere nothing is known."""
    told = Path("/proc/self/status")
    if not told.exists():
        return 0
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(each for each in told.read_text().splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def limit_memory() -> None:
    """Refuse this process more than ROOM, so that no case can harm the machine."""
    told = Path("/proc/self/status")
    if told.exists():
        line = next(each for each in told.read_text().splitlines() if each.startswith("VmData:"))
        most = (int(line.split()[1]) << 10) + ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
