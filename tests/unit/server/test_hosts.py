"""Names that lead to this machine but are not its own."""

from __future__ import annotations

import pytest

from tests.unit.server.live import Server


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:11434"],
)
def test_this_machines_own_names_are_answered(server: Server, host: str):
    assert server.send("GET", "/health", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "localhost.example.com:8000",
        "127.0.0.1.example.com",
        "127.0.0.2",
        "127x0.0.1",
        "[::2]:8000",
        "::1",
        "[::1]x",
        "localhost:",
        "evil@localhost",
        "",
    ],
)
def test_any_other_name_is_refused_in_openais_form(server: Server, host: str):
    for path in ("/v1/models", "/health", "/nowhere"):
        refused = server.send("GET", path, Host=host)
        assert refused.status == 403
        assert refused.error["code"] == "unknown_host"
        assert repr(host) in (refused.error["message"] or "")


def test_a_refused_question_is_not_computed(server: Server):
    assert server.send("POST", "/v1/chat/completions", server.request(), Host="example.com").status == 403
    assert not server.health["busy"]


def test_another_sites_page_may_not_even_ask_beforehand(server: Server):
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST", "Host": "example.com"}
    assert server.send("OPTIONS", "/v1/chat/completions", **asked).status == 403
