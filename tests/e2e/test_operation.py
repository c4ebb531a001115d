"""`unmask serve` as a process among others: told to stop, losing its model, guarded, with several models."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.served import PATIENCE, Served, served_by, until

SERVE = [sys.executable, "-m", "unmask", "serve"]
ALONE = ["--port", "0", "--no-page", "--quantize", "none"]
STORY = [{"role": "user", "content": "Write a very long story about a ship."}]
SECRET = "a-secret-of-mine"

BREAKING = """
import signal, sys
from unmask.engine.engine import Engine

def fail(engine):
    raise FloatingPointError("broken inside")

def break_down(*_):
    Engine.step = fail

signal.signal(signal.SIGUSR1, break_down)
from unmask.cli import main
main(sys.argv[1:])
"""
"""A server whose model's thread dies at the next step after SIGUSR1."""


@contextmanager
def answering(server: Served, folder: Path, tokens: int) -> Iterator[http.client.HTTPResponse]:
    """A stream whose first event has come."""
    wish = {"model": str(folder), "messages": STORY, "temperature": 0, "stream": True, "max_tokens": tokens}
    with server.open("/v1/chat/completions", wish | {"ignore_eos": True}) as answer:
        answer.readline()
        yield answer


def ask(server: Served, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, Any]:
    """The status, headers and JSON of an answer, whatever it is."""
    connection = server.connect()
    raw = None if body is None else json.dumps(body)
    connection.request(method, path, raw, {"Content-Type": "application/json"} | headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, json.loads(answer.read())
    connection.close()
    return found


def test_told_to_stop_it_lets_nobody_in_and_finishes_what_it_began(tiny_folder: Path, tmp_path: Path) -> None:
    with served_by([*SERVE, str(tiny_folder), *ALONE], tmp_path / "log") as server:
        with answering(server, tiny_folder, 1500) as answer:
            server.process.send_signal(signal.SIGTERM)
            until(lambda: ask(server, "GET", "/health/ready")[0] == 503)
            status, headers, refused = ask(server, "POST", "/v1/chat/completions", {})
            assert (status, refused["error"]["code"]) == (503, "shutting_down")
            assert headers["Retry-After"]
            assert ask(server, "GET", "/health")[0] == 200
            assert answer.read().endswith(b"data: [DONE]\n\n")
        assert server.process.wait(PATIENCE) == 0
    assert "Traceback" not in server.log.read_text()


def test_a_second_signal_ends_it_at_once(tiny_folder: Path, tmp_path: Path) -> None:
    command = [*SERVE, str(tiny_folder), *ALONE]
    with served_by(command, tmp_path / "log") as server, answering(server, tiny_folder, 4000):
        server.process.send_signal(signal.SIGTERM)
        until(lambda: ask(server, "GET", "/health/ready")[0] == 503)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == -signal.SIGTERM


def test_when_its_model_dies_clients_are_told_and_the_process_ends_in_failure(
    tiny_folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", BREAKING, "serve", str(tiny_folder), *ALONE]
    with served_by(command, tmp_path / "log") as server:
        with answering(server, tiny_folder, 4000) as answer:
            server.process.send_signal(signal.SIGUSR1)
            assert b'"code":"model_stopped"' in answer.read()
        status, _, told = ask(server, "GET", "/health")
        assert (status, told["status"]) == (503, "failed")
        assert server.process.wait(PATIENCE) == 1
    log = server.log.read_text()
    assert "broken inside" in log
    assert f"unmask: error: The model {tiny_folder} has stopped" in log


def test_with_keys_it_listens_for_others_and_has_no_page(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_KEYS", SECRET)
    command = [*SERVE, str(tiny_folder), "--port", "0", "--host", "127.0.0.1", "--quantize", "none"]
    with served_by(command, tmp_path / "log") as server:
        assert "Page" not in server.log.read_text()
        assert ask(server, "GET", "/v1/models")[0] == 401
        assert ask(server, "GET", "/")[0] == 401
        known = {"Authorization": f"Bearer {SECRET}"}
        status, _, models = ask(server, "GET", "/v1/models", Host="somewhere.example", **known)
        assert (status, models["data"][0]["id"]) == (200, str(tiny_folder))
        assert ask(server, "GET", "/", **known)[0] == 404
    assert SECRET not in server.log.read_text()


def test_further_models_are_loaded_when_they_are_asked_for_and_put_away(tiny_folder: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(tiny_folder, second)
    command = [*SERVE, str(tiny_folder), str(second), *ALONE, "--keep", "0.01"]

    def loaded(server: Served) -> list[str]:
        return [each["name"] for each in ask(server, "GET", "/engine/stats")[2]["models"]]

    with served_by(command, tmp_path / "log") as server:
        _, _, models = ask(server, "GET", "/v1/models")
        assert [each["id"] for each in models["data"]] == [str(tiny_folder), str(second)]
        assert loaded(server) == [str(tiny_folder)]
        with answering(server, second, 1500) as answer:
            assert loaded(server) == [str(tiny_folder), str(second)]
            assert answer.read().endswith(b"data: [DONE]\n\n")
        until(lambda: loaded(server) == [str(tiny_folder)])


def test_a_second_model_that_is_not_there_is_said_at_the_start(tiny_folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [*SERVE, str(tiny_folder), str(tmp_path / "absent"), *ALONE]
    with pytest.raises(AssertionError, match=r"No such file or folder: \S+absent"), served_by(command, log):
        pass


def test_page_and_keys_exclude_one_another(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMASK_KEYS", SECRET)
    command = [*SERVE, str(tiny_folder), "--port", "0", "--page"]
    with pytest.raises(AssertionError, match="for this machine's user alone"), served_by(command, tmp_path / "log"):
        pass


def test_limits_of_the_command_line_hold(tiny_folder: Path, tmp_path: Path) -> None:
    command = [*SERVE, str(tiny_folder), *ALONE, "--max-body", "100", "--max-prompt", "3"]
    with served_by(command, tmp_path / "log") as server:
        wish = {"model": str(tiny_folder), "prompt": "x"}
        assert ask(server, "POST", "/v1/completions", wish | {"user": "x" * 100})[0] == 413
    command[-3:] = ["4000", "--max-prompt", "3"]
    (tmp_path / "again").mkdir()
    with served_by(command, tmp_path / "again" / "log") as server:
        status, _, refused = ask(server, "POST", "/v1/completions", wish | {"prompt": "What is the capital"})
        assert (status, refused["error"]["code"]) == (400, "context_length_exceeded")
