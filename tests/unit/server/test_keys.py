"""Keys: read without being kept, compared, and asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import unmask
from tests.unit.server.live import Server, serving
from unmask.base.errors import ServerError
from unmask.server.keys import Keys, read_keys

SECRET, OTHER = "a-secret-of-mine", "another-secret"


@pytest.fixture(scope="module")
def guarded(tiny_model: unmask.Model) -> Iterator[Server]:
    with serving(tiny_model, keys=read_keys(None, {"UNMASK_KEYS": f"{SECRET}, {OTHER}"})) as running:
        yield running


def test_a_file_has_a_key_a_line_and_the_environment_some_with_commas(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text(f"# of the team\n\n  {SECRET}  \n{OTHER}\n{SECRET}\n")
    keys = read_keys(path, {"UNMASK_KEYS": "third-secret,,"})
    assert keys.digests == tuple(sha256(each).digest() for each in (b"third-secret", SECRET.encode(), OTHER.encode()))


def test_where_there_are_none_none_is_held():
    assert not read_keys(None, {"UNMASK_KEYS": " "})
    assert not Keys(()).hold(b"")


def test_the_keys_themselves_are_not_in_what_is_kept():
    assert SECRET not in repr(read_keys(None, {"UNMASK_KEYS": SECRET}))


def test_a_file_without_a_key_would_shut_everybody_out(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text("# none yet\n")
    with pytest.raises(ServerError, match="keys has no key in it"):
        read_keys(path, {})


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path):
    with pytest.raises(ServerError, match=r"absent: the keys cannot be read: No such file"):
        read_keys(tmp_path / "absent", {})
    (tmp_path / "strange").write_bytes(b"\xff\xfe")
    with pytest.raises(ServerError, match=r"strange: the keys cannot be read: invalid start byte"):
        read_keys(tmp_path / "strange", {})


@pytest.mark.parametrize("wrong", ["short", "has a blank", "schlüssel-schlüssel"])
def test_a_key_that_cannot_be_one_is_counted_not_shown(tmp_path: Path, wrong: str):
    path = tmp_path / "keys"
    path.write_text(f"{SECRET}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(ServerError, match="key 2 cannot be used; a key has 8 or more") as caught:
        read_keys(path, {})
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong-secret"}, {"Authorization": f"Basic {SECRET}"}])
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/engine/stats", "/openapi.json", "/nowhere"])
def test_without_a_right_key_nothing_is_told(guarded: Server, given: dict[str, str], path: str):
    refused = guarded.send("GET", path, **given)
    assert refused.status == 401
    assert refused.error["code"] == "invalid_api_key"
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("key", [SECRET, OTHER])
def test_each_of_the_keys_opens(guarded: Server, key: str):
    assert guarded.send("GET", "/v1/models", Authorization=f"Bearer {key}").status == 200
    assert guarded.send("GET", "/v1/models", Authorization=f"bearer {key}").status == 200


def test_balancers_and_the_engines_page_need_none(guarded: Server):
    for path in ("/health", "/health/ready", "/engine"):
        assert guarded.send("GET", path).status == 200


def test_a_preflight_has_no_key_and_any_page_may_make_one(guarded: Server):
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    allowed = guarded.send("OPTIONS", "/v1/chat/completions", Access_Control_Request_Headers="authorization", **asked)
    assert allowed.status == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()


def test_with_keys_the_server_answers_to_any_name_of_its_machine(guarded: Server):
    assert guarded.send("GET", "/v1/models", Host="example.com", Authorization=f"Bearer {SECRET}").status == 200


def test_no_key_is_logged_or_measured(guarded: Server, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    guarded.send("GET", "/v1/models", Authorization="Bearer wrong-secret")
    told = guarded.send("GET", "/metrics", Authorization=f"Bearer {SECRET}").body.decode() + caplog.text
    assert 'unmask_refusals_total{reason="invalid_api_key"}' in told
    assert SECRET not in told
    assert "wrong-secret" not in told


def test_without_keys_any_key_will_do(server: Server):
    assert server.send("GET", "/v1/models", Authorization="Bearer anything").status == 200
