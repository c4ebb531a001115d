"""Honest health: of the model's thread, not of the one that answers."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

import unmask
from tests.unit.server.live import Server, serving, until
from unmask.base.errors import EngineError
from unmask.generation.answer import Order
from unmask.generation.sampling import Sampling
from unmask.server import health
from unmask.server.app import create_app
from unmask.server.health import Pulse
from unmask.server.keys import Keys
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.port import bind
from unmask.server.run import serve
from unmask.server.shelf import Shelf
from unmask.server.watch import WatchedHost


def test_a_server_at_rest_is_alive_and_ready(server: Server):
    for path in ("/health", "/health/ready"):
        told = server.send("GET", path)
        assert told.status == 200
        assert told.json["status"] == "ok"


def test_a_model_that_is_stuck_in_a_step_is_unwell(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "STALL", 0.05)
    model = unmask.load(tiny_folder)
    stuck, go_on = threading.Event(), threading.Event()

    def stand_still(*_: object) -> None:
        stuck.set()
        go_on.wait(20)

    model.core.register_forward_hook(stand_still)
    host = WatchedHost(model, meter=Meter(), limits=Limits())
    pulse = Pulse()
    assert pulse.is_well(host)
    host.engine.submit(Order(tuple(model.reader.spelled("What is").ids), Sampling(), 4), lambda _: None)
    assert stuck.wait(20)
    until(lambda: host.engine.stats().running == 1)
    assert pulse.is_well(host)
    until(lambda: not pulse.is_well(host))
    go_on.set()
    until(lambda: pulse.is_well(host))
    host.close()


def test_a_dead_model_fails_its_clients_and_the_health_and_ends_the_server(
    tiny_folder: Path, caplog: pytest.LogCaptureFixture
):
    model = unmask.load(tiny_folder)
    breaking = threading.Event()

    def break_down(*_: object) -> None:
        if breaking.is_set():
            raise FloatingPointError("broken inside")

    model.core.register_forward_hook(break_down)
    caplog.set_level(logging.ERROR)
    with serving(model) as server:
        with server.long_answer() as connection:
            breaking.set()
            last = connection.getresponse().read().decode().rstrip("\n").split("\n\n")[-1]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "model_stopped"
        told = server.send("GET", "/health")
        assert told.status == 503
        assert told.json["status"] == "failed"
        until(lambda: server.send("GET", "/health/ready").json["status"] == "stopping")
        refused = server.chat()
        assert refused.status == 503
        assert refused.error["code"] == "shutting_down"
    assert "broken inside" in caplog.text


def test_serving_ends_with_an_error_that_names_the_dead_model(tiny_folder: Path):
    meter, limits = Meter(), Limits()
    host = WatchedHost(unmask.load(tiny_folder), meter=meter, limits=limits)
    host.close()
    shelf = Shelf(host)
    with bind("127.0.0.1", 0) as socket, pytest.raises(EngineError, match=f"{tiny_folder} has stopped"):
        serve(create_app(shelf, meter=meter, limits=limits, keys=Keys(())), shelf, socket=socket, limits=limits)
