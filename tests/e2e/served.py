"""A server in a process of its own, and plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.base.files import home

PATIENCE = 60.0
"""Seconds until a condition that did not come counts as a failure."""


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[bytes]
    log: Path
    """Its standard error."""
    root: str
    home: Path
    """Its `UNMASK_HOME`: the user's models, and no conversations but its own."""

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.root.removeprefix("http://"), timeout=PATIENCE)

    def open(self, path: str, body: object = None) -> Any:
        """The open response to a GET, or to a POST of `body` as JSON."""
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, raw, {"Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=PATIENCE)

    def read(self, path: str, body: object = None) -> str:
        with self.open(path, body) as response:
            return response.read().decode()

    @property
    def health(self) -> dict[str, Any]:
        return json.loads(self.read("/health"))


@contextmanager
def served_by(command: Sequence[str], log: Path) -> Iterator[Served]:
    """Run the command until the block ends, in a home beside `log`; it has said by then where it listens."""
    own = log.with_name("home")
    own.mkdir()
    (own / "models").symlink_to(home() / "models")
    environment = os.environ | {"UNMASK_HOME": str(own)}
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, stdout=subprocess.DEVNULL, env=environment)
    try:
        until(lambda: "/v1" in log.read_text() or process.poll() is not None)
        found = re.search(r"(http://127\.0\.0\.1:\d+)/v1", log.read_text())
        assert found, log.read_text()
        yield Served(process, log, found[1], own)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.02)
