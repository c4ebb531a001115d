"""A desk with a tiny model and a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import unmask
from unmask.engine.settings import Settings
from unmask.server.host import Host
from unmask.web.conversation import Conversation, begun
from unmask.web.desk import Desk
from unmask.web.knobs import Knobs
from unmask.web.preferences import Preferences
from unmask.web.store import Store

KNOBS = Knobs(temperature=0, top_p=1, top_k=0, min_p=0, repetition_penalty=1, limit=8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations")


@pytest.fixture
def desk(tiny_model: unmask.Model, store: Store, tmp_path: Path) -> Iterator[Desk]:
    """With a model that writes one answer at a time."""
    host = Host(tiny_model, settings=Settings(rows=1, budget=64))
    yield Desk(host, store, Preferences(tmp_path / "preferences.jsonl"))
    host.close()


@pytest.fixture
def empty() -> Conversation:
    return begun("", KNOBS)
