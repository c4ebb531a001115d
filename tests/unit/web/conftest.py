"""A desk with a tiny model and a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import unmask
from unmask.server.turns import Turns
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
def desk(tiny_model: unmask.Model, store: Store, tmp_path: Path) -> Desk:
    return Desk(Turns(tiny_model), store, Preferences(tmp_path / "preferences.jsonl"))


@pytest.fixture
def empty() -> Conversation:
    return begun("", KNOBS)
