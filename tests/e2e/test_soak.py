"""A server among 64 clients who leave, send garbage and read slowly, and who are there when it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.e2e.served import Served, served_by, until
from tests.e2e.soak import Soak
from unmask.server.bench.client import Address

SPARE = 48 << 20
"""Bytes by which a process may grow for other reasons than a leak: the allocator's, which keeps what was freed."""


OPTIONS = (
    *("--port", "0", "--no-page", "--quantize", "int8", "--drain", "5"),
    *("--max-body", "150000", "--max-queue", "24", "--idle-time", "3", "--cache-memory", "1"),
)
"""With a cache that is full within seconds, rows have to give way to others, and memory cannot grow by it."""


def engine(server: Served) -> dict[str, Any]:
    (stats,) = json.loads(server.read("/engine/stats"))["models"]
    return stats


def memory(server: Served) -> int:
    """Bytes that the process holds."""
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def check_at_rest(server: Served) -> None:
    """Soon after the last client has gone, nothing is held for anybody."""
    until(lambda: not server.health["busy"])
    until(lambda: not engine(server)["running"])
    stats = engine(server)
    assert stats["alive"]
    assert (stats["running"], stats["waiting"], stats["blocks_used"]) == (0, 0, 0), stats
    assert server.health == {"status": "ok", "model": stats["name"], "busy": False, "queued": 0}


async def told_to_stop(soak: Soak, server: Served) -> None:
    """SIGTERM while all of them are there."""
    clients = asyncio.create_task(soak.run(60.0))
    await asyncio.to_thread(until, lambda: engine(server)["running"] >= 16)
    soak.stopping = True
    server.process.send_signal(signal.SIGTERM)
    await clients


def check_soaked(folder: Path, log: Path, *, seconds: float) -> None:
    with served_by([sys.executable, "-m", "unmask", "serve", str(folder), *OPTIONS], log) as server:
        soak = Soak(Address.of(f"{server.root}/v1"), str(folder), Random(0))
        asyncio.run(soak.run(seconds / 3))
        check_at_rest(server)
        before = memory(server)
        asyncio.run(soak.run(seconds * 2 / 3))
        check_at_rest(server)
        assert memory(server) < before + SPARE
        asyncio.run(told_to_stop(soak, server))
        assert server.process.wait(30) == 0
    assert soak.faults == []
    ends = {end.partition(": ")[2] for end in soak.counts}
    assert ends >= {"whole", "left", "refused", "refused 400", "refused 404", "refused 413", "refused 429"}, soak.counts
    assert "Traceback" not in log.read_text()


def test_nothing_leaks_or_sticks_in_a_minute(tiny_folder: Path, tmp_path: Path) -> None:
    check_soaked(tiny_folder, tmp_path / "log", seconds=60.0)


@pytest.mark.slow
def test_nothing_leaks_or_sticks_in_ten_minutes(tiny_folder: Path, tmp_path: Path) -> None:
    check_soaked(tiny_folder, tmp_path / "log", seconds=600.0)
