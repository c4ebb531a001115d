"""Too much, too slow, too late: refused with a reason, and nobody else notices."""

from __future__ import annotations

import json
import socket
from dataclasses import fields

import pytest

import unmask
from tests.unit.server.live import Reply, Server, serving, until
from unmask.base.errors import RequestError
from unmask.engine.settings import Settings
from unmask.server.limits import Limits

ONE = Settings(rows=1)
"""One row at a time, so that the second one waits."""


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_a_limit_of_nothing_is_refused(name: str):
    with pytest.raises(RequestError, match=f"{name} is 0; it must be more than 0"):
        Limits(**{name: 0})


def test_a_body_longer_than_the_limit_is_refused_with_the_limit(tiny_model: unmask.Model):
    with serving(tiny_model, limits=Limits(body=300)) as server:
        refused = server.chat(stop=["x" * 300])
        assert refused.status == 413
        assert "longer than 300 bytes" in (refused.error["message"] or "")
        assert refused.error["code"] == "request_too_large"
        assert server.chat().status == 200


def test_a_body_that_stops_coming_is_given_up(tiny_model: unmask.Model):
    with serving(tiny_model, limits=Limits(idle_seconds=0.2)) as server:
        connection = server.connect()
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b'{"model"')
        answer = connection.getresponse()
        assert answer.status == 408
        assert json.loads(answer.read())["error"]["code"] == "timeout"
        connection.close()
        assert server.health["status"] == "ok"


@pytest.mark.parametrize("begun", [b"", b"GET /health HTTP/1.1\r\nHost: loc"])
def test_a_connection_without_a_whole_request_is_closed(tiny_model: unmask.Model, begun: bytes):
    with (
        serving(tiny_model, limits=Limits(idle_seconds=0.2)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        connection.sendall(begun)
        assert connection.recv(1) == b""


def test_a_connection_is_kept_for_the_next_request(server: Server):
    connection = server.connect()
    for _ in range(3):
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        assert connection.sock is not None
    connection.close()


def test_no_more_requests_are_let_in_than_the_limit(tiny_model: unmask.Model):
    with serving(tiny_model, limits=Limits(inside=1)) as server:
        with server.long_answer() as connection:
            refused = server.chat()
            assert server.send("GET", "/metrics").status == 200
            connection.close()
        assert_busy(refused, "1 requests are being answered")
        until(lambda: server.chat().status == 200)


def test_no_more_rows_wait_than_the_limit(tiny_model: unmask.Model):
    with (
        serving(tiny_model, limits=Limits(queued=1), settings=ONE) as server,
        server.long_answer(),
        server.long_answer(),
    ):
        until(lambda: server.health["queued"] == 1)
        refused = server.chat()
    assert_busy(refused, "1 requests are waiting")


def test_no_more_tokens_wait_than_the_limit(tiny_model: unmask.Model):
    limits = Limits(queued_tokens=40)
    with serving(tiny_model, limits=limits, settings=ONE) as server, server.long_answer() as first:
        first.getresponse().readline()  # so that its own prompt waits no more
        with server.long_answer():
            until(lambda: server.health["queued"] == 1)
            refused = server.chat()
    assert_busy(refused, "more than 40")


def assert_busy(refused: Reply, said: str) -> None:
    assert refused.status == 429
    assert refused.error["code"] == "queue_full"
    assert refused.headers["Retry-After"]
    assert said in (refused.error["message"] or "")


def test_an_answer_that_cannot_be_begun_in_time_is_given_up(tiny_model: unmask.Model):
    limits = Limits(queue_seconds=0.3)
    with serving(tiny_model, limits=limits, settings=ONE) as server, server.long_answer() as first:
        first.getresponse().readline()
        refused = server.chat()
    assert refused.status == 503
    assert refused.error["code"] == "overloaded"
    assert "0.3 seconds" in (refused.error["message"] or "")
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_takes_too_long_is_ended_with_an_error(tiny_model: unmask.Model, stream: bool):
    with serving(tiny_model, limits=Limits(seconds=0.3)) as server:
        reply = server.chat(max_tokens=4000, stream=stream)
        until(lambda: not server.health["busy"])
    if stream:
        assert reply.status == 200
        error = json.loads(reply.body.decode().rstrip("\n").split("\n\n")[-1].removeprefix("data: "))["error"]
    else:
        assert reply.status == 408
        assert reply.headers["x-should-retry"] == "false"
        error = reply.error
    assert error["code"] == "timeout"
    assert "0.3 seconds" in error["message"]


def test_a_reader_that_takes_nothing_is_given_up_and_its_blocks_are_free(tiny_model: unmask.Model):
    with serving(tiny_model, limits=Limits(idle_seconds=0.3)) as server:
        wordy = {"logprobs": True, "top_logprobs": 20}  # so that buffers are full soon
        body = json.dumps(server.request(max_tokens=4000, stream=True, **wordy)).encode()
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", server.port))
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            until(lambda: server.health["busy"])
            until(lambda: not server.health["busy"])
            until(lambda: engine(server)["aborted"] == 1)
            assert engine(server)["blocks_used"] == engine(server)["running"] == 0


def engine(server: Server) -> dict[str, int]:
    (stats,) = server.send("GET", "/engine/stats").json["models"]
    return stats
