"""What `bench serve` found: a column a load, a line a figure; or a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from unmask.base.language import say
from unmask.cli.table import columns

if TYPE_CHECKING:
    from unmask.server.bench.load import Load, Spread, Summary
    from unmask.server.bench.trial import Trial


def document(model: str, trial: Trial, found: Sequence[Summary]) -> dict[str, object]:
    """Times are seconds."""
    return {
        "model": model,
        "prompt_tokens": trial.prompt_tokens,
        "answer_tokens": trial.answer_tokens,
        "seed": trial.seed,
        "goals": asdict(trial.goals),
        "loads": [asdict(load) | asdict(summary) for load, summary in zip(trial.loads, found, strict=True)],
    }


def lines(trial: Trial, found: Sequence[Summary]) -> list[str]:
    goals = trial.goals.first is not None or trial.goals.between is not None
    return columns([["", *map(title, trial.loads)], *rows(found, with_good=goals)])


def title(load: Load) -> str:
    if load.rate is not None:
        return say("{rate:g} a second", rate=load.rate)
    return say("{count} at once", count=load.together)


def rows(found: Sequence[Summary], *, with_good: bool) -> Iterator[list[str]]:
    yield [say("requests"), *(str(each.requests) for each in found)]
    for fault in dict.fromkeys(fault for each in found for fault in each.faults):
        yield [say("failed: {fault}", fault=fault), *(str(each.faults.get(fault, 0)) for each in found)]
    yield from spread(say("first text, ms"), [each.first for each in found])
    yield from spread(say("between texts, ms"), [each.between for each in found])
    yield [say("tokens read a second"), *(f"{each.prompt_rate:,.1f}" for each in found)]
    yield [say("tokens written a second"), *(f"{each.rate:,.1f}" for each in found)]
    yield [say("requests a second"), *(f"{each.request_rate:,.2f}" for each in found)]
    if with_good:
        yield [say("good answers a second"), *(f"{each.good_rate:,.2f}" for each in found)]
    yield [say("prompts known before"), *(f"{each.cached_share:.0%}" for each in found)]


def spread(name: str, found: Sequence[Spread]) -> Iterator[list[str]]:
    """Three lines of milliseconds; a dash where no answer came."""
    for label in ("p50", "p95", "p99"):
        values = (asdict(each)[label] for each in found)
        yield [f"{name} {label}", *("-" if value is None else f"{value * 1000:,.1f}" for value in values)]
