"""Whether the server lives, and whether it takes requests: for supervisors and balancers."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from unmask.server.door import Door
from unmask.server.host import Host
from unmask.server.shelf import Shelf

STALL = 120.0
"""Seconds without a step after which a model that has something to do is stuck."""


class Pulse:
    """Whether models get on, as far as it was asked: one that has something to do must have ended a step since."""

    def __init__(self) -> None:
        self.seen: dict[Host, tuple[int, float]] = {}
        """Steps that a model with something to do had ended, and when that was first seen."""

    def is_well(self, host: Host) -> bool:
        stats, now = host.engine.stats(), time.monotonic()
        due = stats.running > 0 or stats.waiting > 0
        steps, since = self.seen.get(host, (None, now))
        if not due or steps != stats.steps:
            self.seen.pop(host, None)
        if due:
            self.seen.setdefault(host, (stats.steps, now))
        return stats.alive and not (due and steps == stats.steps and now - since > STALL)


def add_routes(app: FastAPI, shelf: Shelf, door: Door) -> None:
    """Put the routes on `app`."""

    pulse = Pulse()

    async def health() -> JSONResponse:
        well = all(pulse.is_well(host) for host in shelf.hosts())
        content: dict[str, Any] = {
            "status": "ok" if well else "failed",
            "model": shelf.first.name,
            "busy": shelf.busy,
            "queued": sum(host.queued for host in shelf.hosts()),
        }
        return JSONResponse(content, 200 if well else 503)

    async def ready() -> JSONResponse:
        if door.shut:
            return JSONResponse({"status": "stopping"}, 503, headers={"Retry-After": "5"})
        return await health()

    app.add_api_route("/health", health)
    app.add_api_route("/health/ready", ready)
