"""The engine's page in a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import PATIENCE, chromium, visit
from tests.e2e.served import Served, served_by

SECRET = "a-secret-of-mine"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def serve(folder: Path) -> list[str]:
    alone = ["--port", "0", "--no-page", "--quantize", "none"]
    return [sys.executable, "-m", "unmask", "serve", str(folder), *alone]


def test_it_shows_the_model_and_asks_nobody_else(browser: Browser, tiny_folder: Path, tmp_path: Path) -> None:
    with served_by(serve(tiny_folder), tmp_path / "log") as server, visit(browser) as visited:
        visited.page.goto(f"{server.root}/engine?lang=zh")
        expect(visited.page.locator("h2")).to_have_text(str(tiny_folder), timeout=PATIENCE)
        written(server, tiny_folder)
        expect(visited.page.locator(".blocks + p")).to_contain_text("记住的", timeout=PATIENCE)
        expect(visited.page.locator("#first")).to_contain_text("s", timeout=PATIENCE)
        visited.picture("engine")
        assert visited.asked
        assert all(address.startswith(server.root) for address in visited.asked)
        assert not visited.errors


def written(server: Served, folder: Path) -> None:
    wish = {"model": str(folder), "prompt": "What is the capital of France?", "max_tokens": 40, "ignore_eos": True}
    server.read("/v1/completions", wish)


def test_with_keys_it_asks_for_one(
    browser: Browser, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_KEYS", SECRET)
    with served_by(serve(tiny_folder), tmp_path / "log") as server, visit(browser) as visited:
        visited.page.goto(f"{server.root}/engine?lang=en")
        visited.page.get_by_label("Key").fill(SECRET, timeout=PATIENCE)
        expect(visited.page.locator("h2")).to_have_text(str(tiny_folder), timeout=PATIENCE)
        expect(visited.page.locator("#wanted")).to_be_hidden()
        assert all("401" in error for error in visited.errors)  # the one question before there was a key
        visited.errors.clear()
