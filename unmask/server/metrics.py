"""What is measured, for Prometheus at `/metrics` and for the live page: counts and times, never what was said."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from unmask.server.shelf import Shelf

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
BETWEEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
RECENT = 100
"""Answers of which the live page shows the median."""

GAUGES = {
    "running": "Rows that are being read or written",
    "waiting": "Rows in line",
    "blocks": "Blocks of the cache",
    "blocks_used": "Blocks that rows hold",
    "blocks_kept": "Free blocks that hold a beginning that may come again",
    "cache_bytes": "Room for keys and values",
}
COUNTERS = {
    "prompt_tokens": "Tokens of prompts that were computed",
    "reused_tokens": "Tokens of prompts that were remembered",
    "written_tokens": "Tokens of answers",
    "drafted_tokens": "Tokens that were guessed",
    "accepted_tokens": "Guesses that were right",
    "preemptions": "Rows that had to give way",
    "aborted": "Rows that nobody waited for any more",
    "steps": "Steps of the engine",
}


class Meter:
    """One server's counts and times, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self.counter("requests", "Requests by route and status", "route", "code")
        self.refusals = self.counter("refusals", "Requests that were refused, by the code of the error", "reason")
        self.queued = self.histogram("queue_seconds", "From a row's order until it is let in", SECONDS)
        self.first = self.histogram("first_token_seconds", "From a row's order to its first token", SECONDS)
        self.between = self.histogram("between_tokens_seconds", "From one token of an answer to the next", BETWEEN)
        self.firsts: deque[float] = deque(maxlen=RECENT)

    def counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"unmask_{name}", about, labels, registry=self.registry)

    def histogram(self, name: str, about: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"unmask_{name}", about, ("model",), registry=self.registry, buckets=buckets)

    def visited(self, route: str, status: int, refused: str | None) -> None:
        """A request has been answered."""
        self.requests.labels(route, str(status)).inc()
        if refused is not None:
            self.refusals.labels(refused).inc()

    def begun(self, model: str, seconds: float, *, waited: float) -> None:
        """A row's first token came, so long after it was ordered; of that it waited in line."""
        self.queued.labels(model).observe(waited)
        self.first.labels(model).observe(seconds)
        self.firsts.append(seconds)

    def went_on(self, model: str, seconds: float) -> None:
        """A row's next token came, so long after the one before."""
        self.between.labels(model).observe(seconds)

    @property
    def usual_first(self) -> float | None:
        """The median of the last times to a first token, in seconds."""
        return statistics.median(self.firsts) if self.firsts else None


class Engines:
    """What the engines of a shelf tell at the moment of asking."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def collect(self) -> Iterator[Metric]:
        stats = {host.name: host.engine.stats() for host in self.shelf.hosts()}
        for name, about in GAUGES.items():
            gauge = GaugeMetricFamily(f"unmask_{name}", about, labels=["model"])
            for model, each in stats.items():
                gauge.add_metric([model], getattr(each, name))
            yield gauge
        for name, about in COUNTERS.items():
            counter = CounterMetricFamily(f"unmask_{name}", about, labels=["model"])
            for model, each in stats.items():
                counter.add_metric([model], getattr(each, name))
            yield counter


def add_routes(app: FastAPI, meter: Meter, shelf: Shelf) -> None:
    """Put `/metrics` on `app`."""
    meter.registry.register(Engines(shelf))

    async def metrics() -> Response:
        return Response(generate_latest(meter.registry), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/metrics", metrics, include_in_schema=False)
