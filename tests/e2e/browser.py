"""A real browser on this machine, in which every request and every error is written down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "UNMASK_BROWSER"
"""The environment variable that, set to `required`, makes a missing browser a failure."""
SCREENSHOTS = "UNMASK_SCREENSHOTS"
"""The environment variable that names a folder for pictures of what was tested."""
PATIENCE = 30_000
"""Milliseconds until what did not come counts as a failure."""
ARGUMENTS = [
    "--no-sandbox",  # which root may not have
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--lang=en-US",
]
INWARD = {"data", "blob", "about"}
"""Schemes of addresses of what the page holds itself."""


@dataclass
class Visit:
    """A page, the addresses it asked for anything, and what went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Write down what this page does."""
        page.on("request", lambda request: self.reached(request.url))
        page.on("websocket", lambda socket: self.reached(socket.url))
        page.on("console", self.told)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def reached(self, address: str) -> None:
        if urlsplit(address).scheme not in INWARD:
            self.asked.append(address)

    def told(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def picture(self, name: str) -> None:
        """A screenshot, if somebody wants to look at it."""
        if folder := os.environ.get(SCREENSHOTS):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine's; without one, the test is skipped, or fails where one is required."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        told = f"no browser: looked for {', '.join(NAMES)}. On Debian: apt-get install chromium"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, *, locale: str = "en-US") -> Iterator[Visit]:
    """A new visitor, with an empty store of their own; at the end nothing may have gone wrong or out."""
    context: BrowserContext = browser.new_context(
        locale=locale, viewport={"width": 1280, "height": 900}, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE)
    visited = Visit(context.new_page())
    context.on("page", visited.follow)
    visited.follow(visited.page)
    yield visited
    context.close()
    assert visited.errors == []
    assert [each for each in visited.asked if urlsplit(each).hostname not in (None, "127.0.0.1")] == []
