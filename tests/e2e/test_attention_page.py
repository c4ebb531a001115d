"""The attention page in a real browser: what a click, a key and a pointer do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from playwright.sync_api import Browser, Page

from tests.e2e.browser import chromium, visit
from unmask.core.trace import Trace
from unmask.generation.look import Look
from unmask.views.attention import attention_view

WEIGHTS = torch.tensor([[1.0, 0.0, 0.0], [0.36, 0.64, 0.0], [0.5, 0.09, 0.41]])
"""Of the first head of the first layer; the others look at themselves."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    layers = {0: torch.eye(3).repeat(1, 2, 1, 1), 1: torch.eye(3).repeat(1, 2, 1, 1)}
    layers[0][0, 0] = WEIGHTS
    read = Look(
        "小猫 sat .", (4, 5, 6), ((0, 2), (2, 6), (6, 8)), ("小猫", " sat", " ."), Trace((0, 1), (0, 1), layers)
    )
    with visit(browser) as visited:
        visited.page.set_content(attention_view(read, name="model", tongue="en", layer=0, head=0, merge=False).html())
        yield visited.page
        visited.picture("attention")


@pytest.fixture
def long_page(browser: Browser) -> Iterator[Page]:
    """Of a text so long that few heads have a whole map."""
    count = 800
    row = torch.full((1, 2, count, count), 1 / count)
    read = Look(
        "a" * count,
        tuple(range(count)),
        tuple((at, at + 1) for at in range(count)),
        ("a",) * count,
        Trace((0, 1), (0, 1), {0: row, 1: row}),
    )
    with visit(browser) as visited:
        visited.page.set_content(attention_view(read, name="model", tongue="en", layer=0, merge=False).html())
        yield visited.page


def thumbnail(page: Page, layer: int, head: int) -> None:
    page.locator(f'.thumbnail[data-layer="{layer}"][data-head="{head}"]').click()


def point(page: Page, row: int, column: int, *, count: int = 3) -> str:
    """What the page tells of a cell."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map image").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + (column + 0.5) * box["width"] / count, box["y"] + (row + 0.5) * box["height"] / count)
    return page.locator("#tip").inner_text()


def test_a_click_on_a_thumbnail_shows_its_head(page: Page) -> None:
    assert page.locator("#named").inner_text() == "Layer 0, head 0"
    thumbnail(page, 1, 1)
    assert page.locator("#named").inner_text() == "Layer 1, head 1"
    thumbnail(page, 1, 2)
    assert page.locator("#named").inner_text() == "Layer 1, mean of its heads"


def test_arrow_keys_walk_from_head_to_head(page: Page) -> None:
    page.locator("#grid").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#named").inner_text() == "Layer 0, head 1"
    page.keyboard.press("ArrowDown")
    assert page.locator("#named").inner_text() == "Layer 1, head 1"
    page.keyboard.press("ArrowDown")
    assert page.locator("#named").inner_text() == "Layer 1, head 1"


def test_the_pointer_reads_a_weight(page: Page) -> None:
    assert point(page, 1, 0) == "sat → 小猫: 0.36"
    thumbnail(page, 1, 0)
    assert point(page, 1, 0) == "sat → 小猫: 0.000"


def test_the_keyboard_reads_a_weight(page: Page) -> None:
    page.locator("#map").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.locator("#tip").inner_text() == ". → sat: 0.09"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_without_the_first_column_the_rest_of_a_row_sums_to_one(page: Page) -> None:
    page.locator(".without input").check()
    assert point(page, 2, 0) == ". → 小猫: 0.000"
    assert point(page, 2, 1) == ". → sat: 0.18"
    assert point(page, 2, 2) == ". → .: 0.82"


def test_a_word_shows_only_its_own_lines(page: Page) -> None:
    lines = page.locator("#lines path")
    assert lines.count() == 6
    page.locator("#lines .from li").nth(1).hover()
    assert lines.count() == 2
    page.locator("#lines .to li").nth(2).hover()
    assert lines.count() == 1
    page.locator("h1").hover()
    assert lines.count() == 6


def test_a_clicked_word_stays(page: Page) -> None:
    word = page.locator("#lines .from li").nth(1)
    word.click()
    page.locator("h1").hover()
    assert page.locator("#lines path").count() == 2
    word.click()
    page.locator("h1").hover()
    assert page.locator("#lines path").count() == 6


def test_the_table_is_sorted_and_leads_to_its_heads(page: Page) -> None:
    previous = page.locator('#heads th[data-key="previous"] button')
    previous.click()
    first = page.locator("#heads tbody tr").first
    assert first.inner_text().split()[:2] == ["0", "0"]
    previous.click()
    assert first.inner_text().split()[:2] == ["0", "1"]
    first.click()
    assert page.locator("#named").inner_text() == "Layer 0, head 1"
    assert first.get_attribute("aria-current") is not None


def test_a_shortcut_leads_to_the_head_it_names(page: Page) -> None:
    thumbnail(page, 1, 1)
    page.get_by_role("button", name="Most spread").click()
    assert page.locator("#named").inner_text() == "Layer 0, head 0"


def test_a_head_without_a_whole_map_says_so(long_page: Page) -> None:
    assert long_page.locator("#small").is_hidden()
    thumbnail(long_page, 1, 1)
    assert "only the thumbnail is in this page" in long_page.locator("#small").inner_text()
    assert long_page.locator("#count").inner_text() == "There are no lines for a thumbnail."
    assert point(long_page, 0, 0, count=24) == "a … a → a … a: ≤ 0.001"
