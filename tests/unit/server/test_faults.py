"""Whatever goes wrong, a client reads it in OpenAI's form."""

from __future__ import annotations

import logging

import pytest

import unmask
from tests.unit.server.live import Server, serving


@pytest.mark.parametrize("path", ["/v1/nothing", "/nowhere", "/v1", "/models/nowhere/else"])
def test_an_unknown_path_is_not_found(server: Server, path: str):
    reply = server.send("GET", path)
    assert reply.status == 404
    assert reply.error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("GET", "/embeddings", "POST"),
        ("POST", "/models", "GET"),
        ("DELETE", "/health", "GET"),
    ],
)
def test_a_wrong_method_says_the_right_one(server: Server, method: str, path: str, allowed: str):
    reply = server.send(method, path)
    assert reply.status == 405
    assert reply.headers["Allow"] == allowed
    assert f"{path} does not take {method}; it takes {allowed}." == reply.error["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"model": ', "not JSON: Expecting value, at character 10"),
        (b"", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b"[" * 100_000, "nested too deep"),
        (rb'{"model": "x", "messages": [{"role": "user", "content": "\ud800"}]}', "half a character"),
        (rb'{"model": "x", "messages": [], "\udfff": 1}', "half a character"),
        (b'{"model": "x", "messages": [{"role": "user"}], "temperature": NaN}', "temperature"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_the_reason(server: Server, body: bytes, said: str):
    reply = server.send("POST", "/v1/chat/completions", body)
    assert reply.status == 400
    assert said in reply.error["message"]


def test_no_depth_of_nesting_breaks_the_server(server: Server):
    for depth in range(800, 1000, 2):
        body = (
            b'{"model": "%s", "messages": [], "x": ' % server.model.name.encode() + b"[" * depth + b"]" * depth + b"}"
        )
        assert server.send("POST", "/v1/chat/completions", body).status == 400


def test_a_body_that_is_not_called_json_says_which_header_to_send(server: Server):
    reply = server.send("POST", "/v1/chat/completions", server.request(), Content_Type="text/plain")
    assert reply.status == 400
    assert "Content-Type: application/json" in reply.error["message"]


def test_a_body_too_large_is_refused_by_its_declared_length(server: Server):
    connection = server.connect()
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(5 << 20))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"4194304" in answer.read()
    connection.close()


def test_a_body_too_large_is_refused_even_if_it_does_not_say_so(server: Server):
    connection = server.connect()
    chunks = (b"x" * (1 << 20) for _ in range(5))
    connection.request(
        "POST", "/v1/chat/completions", chunks, {"Content-Type": "application/json"}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_a_fault_of_ours_is_a_number_to_the_client_and_a_traceback_in_the_log(
    tiny_folder, caplog: pytest.LogCaptureFixture
):
    model = unmask.load(tiny_folder)
    del model.reader  # a model that is broken in a way nobody foresaw
    caplog.set_level(logging.ERROR, "unmask.server")
    with serving(model) as server:
        whole, stream = server.chat(), server.chat(stream=True)
        assert not server.health["busy"]
    for reply in (whole, stream):
        assert reply.status == 500
        assert reply.error["code"] == "internal_error"
        assert "reader" not in reply.error["message"]
        number = reply.error["message"].split()[-1].rstrip(".")
        assert any(number in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_fault_in_the_middle_of_a_stream_is_its_last_event(tiny_folder):
    model = unmask.load(tiny_folder)
    calls = []

    def fail_at_the_third(*_: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise FloatingPointError("broken inside")

    model.core.register_forward_hook(fail_at_the_third)
    with serving(model) as server:
        reply = server.chat(stream=True, max_tokens=10)
    assert reply.status == 200
    last = reply.body.decode().rstrip("\n").split("\n\n")[-1]
    assert last.startswith('data: {"error":{"message":')
    assert "model_stopped" in last
    assert "broken inside" not in last


def test_chinese_users_read_chinese(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    assert "不存在" in server.send("GET", "/nowhere").error["message"]


def test_scripts_of_this_machine_may_ask_and_those_of_other_sites_may_not(server: Server):
    ours = server.send("GET", "/v1/models", Origin="http://localhost:3000")
    theirs = server.send("GET", "/v1/models", Origin="https://example.com")
    assert ours.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert theirs.headers["Access-Control-Allow-Origin"] is None


def test_the_openapi_file_promises_no_422_and_no_page_loads_scripts_from_elsewhere(server: Server):
    described = server.send("GET", "/openapi.json").json
    assert {"/v1/models", "/v1/models/{name}", "/v1/chat/completions", "/v1/embeddings", "/health"} <= set(
        described["paths"]
    )
    assert "422" not in str(described["paths"])
    assert server.send("GET", "/docs").status == 404
