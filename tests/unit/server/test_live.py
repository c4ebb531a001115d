"""The engine's page: alone, in both languages, allowed nothing but to ask this server."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.unit.server.live import Server
from unmask.server.live import spoken


@pytest.mark.parametrize(("tongue", "title"), [("en", "The engine, live"), ("zh", "引擎实况")])
def test_the_page_speaks_both_languages(server: Server, tongue: str, title: str):
    for reply in (
        server.send("GET", f"/engine?lang={tongue}"),
        server.send("GET", "/engine", Accept_Language=f"{tongue}-XX,fr;q=0.5"),
    ):
        html = reply.body.decode()
        assert f'<html lang="{tongue}">' in html
        assert f"<title>{title}</title>" in html


@pytest.mark.parametrize(("accepted", "tongue"), [("fr, zh-CN;q=0.9, en;q=0.8", "zh"), ("de", "en"), ("", "en")])
def test_the_first_language_that_it_speaks_is_taken(accepted: str, tongue: str):
    assert spoken(accepted) == tongue


def test_the_page_has_no_outside_address_and_runs_only_what_it_has(server: Server):
    reply = server.send("GET", "/engine")
    html, policy = reply.body.decode(), reply.headers["Content-Security-Policy"]
    assert re.findall(r"https?://[^\"' ]+", html) == ["http://www.w3.org/2000/svg"]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    for each in (*scripts, *styles):
        assert f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


def test_its_numbers_are_those_of_the_engine(server: Server):
    usage = server.chat(max_tokens=3, ignore_eos=True).json["usage"]
    told = server.send("GET", "/engine/stats").json
    (model,) = told["models"]
    assert model["name"] == server.model.name
    assert model["written_tokens"] >= usage["completion_tokens"]
    assert model["alive"]
    assert told["first_token_seconds"] > 0
    assert told["memory"] > 0
