"""`unmask serve` with the real models and their pages, as a user starts it, watched for calls to other machines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.served import Served, served_by

WATCHED = """
import sys

def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "127.0.0.1", "::1", "localhost"):
        print("OUTSIDE", event, host, file=sys.stderr, flush=True)

sys.addaudithook(watch)
from unmask.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="session")
def served(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with watched("smollm2:135m", tmp_path_factory.mktemp("served") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def served_encoder(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with watched("minilm", tmp_path_factory.mktemp("served-encoder") / "log") as server:
        yield server


def watched(model: str, log: Path) -> AbstractContextManager[Served]:
    return served_by([sys.executable, "-c", WATCHED, "serve", model, "--port", "0"], log)
