"""The page in a real browser, with the real model behind it: what a visitor does, sees and finds again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

import unmask
from tests.e2e.browser import PATIENCE, Visit, chromium, visit
from tests.e2e.served import Served, until
from unmask.views.guides import GUIDES
from unmask.views.menu import Wish, make

FRANCE, JAPAN = "What is the capital of France?", "What is the capital of Japan?"
PARIS, TOKYO = "The capital of France is Paris.", "The capital of Japan is Tokyo."
"""What SmolLM2-135M says at temperature 0."""
STORY = "Write a very long story about a ship."

# Every text that the last answer showed, one after the other.
WATCH = """() => {
    window.states = [];
    new MutationObserver(() => {
        const text = [...document.querySelectorAll("#talk [data-testid=bot]")].at(-1)?.textContent.trim();
        if (text && text !== window.states.at(-1)) window.states.push(text);
    }).observe(document.querySelector("#talk"), { childList: true, characterData: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with chromium() as opened:
        yield opened


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[Visit]:
    """Somebody who has just come to the page."""
    with visit(browser) as come:
        arrive(come.page, served.root)
        yield come


def arrive(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#status")).to_contain_text("context")


def ask(page: Page, text: str) -> None:
    page.locator("#box textarea").fill(text)
    page.locator("#box textarea").press("Enter")


def answers(page: Page) -> Locator:
    return page.locator("#talk [data-testid=bot]")


def option(page: Page, text: str) -> Locator:
    """A button below the last answer. They are there when it has ended."""
    return page.locator("#talk .option", has_text=text)


def stopped(page: Page, served: Served) -> str:
    """The answer so far, once it has some words and the stop button was pressed."""
    page.locator("#box .stop-button").click()
    expect(option(page, "Continue")).to_be_visible()
    until(lambda: not served.health["busy"])
    return answers(page).inner_text()


def inside(page: Page, tab: str) -> FrameLocator:
    """The view on this tab beside the chat."""
    page.get_by_role("tab", name=tab).click()
    return page.frame_locator("#inside iframe >> visible=true")


def test_an_answer_comes_with_its_speed_below(visitor: Visit) -> None:
    page = visitor.page
    visitor.picture("welcome")
    ask(page, FRANCE)
    expect(answers(page)).to_have_text(PARIS)
    expect(option(page, "Look inside")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("tokens/s")
    visitor.picture("answered")


def set_length(page: Page, tokens: int) -> None:
    """Set the most tokens of an answer; the settings are unfolded."""
    number, knob = (page.locator(f"#limit input[type={kind}]") for kind in ("number", "range"))

    def typed() -> bool:
        number.fill(str(tokens))
        number.press("Tab")
        return knob.input_value() == str(tokens)

    until(typed)


def talkative(page: Page) -> None:
    """Let an answer go on for longer than a busy machine takes to show it and to click on stop."""
    page.locator("#settings > button").click()
    set_length(page, 8000)


def test_an_answer_grows_while_it_is_written(visitor: Visit, served: Served) -> None:
    page = visitor.page
    talkative(page)
    page.evaluate(WATCH)
    ask(page, STORY)
    page.wait_for_function("window.states.length > 8")
    stopped(page, served)
    *earlier, last = (re.findall(r"\w+", text) for text in page.evaluate("window.states"))
    assert len({len(words) for words in earlier}) > 2
    for *whole, _ in filter(None, earlier):  # the last of its words may be half a word
        assert last[: len(whole)] == whole


def test_a_long_answer_stops_stays_and_goes_on(visitor: Visit, served: Served) -> None:
    page = visitor.page
    talkative(page)
    ask(page, STORY)
    expect(answers(page)).to_have_text(re.compile(r"(\S+\s+){4}"))
    beginning = stopped(page, served)
    page.reload()
    expect(answers(page)).to_have_text(beginning, use_inner_text=True)
    visitor.picture("stopped")
    talkative(page)
    option(page, "Continue").click()
    expect(answers(page)).not_to_have_text(beginning, use_inner_text=True)
    longer = stopped(page, served)
    assert longer.startswith(beginning.rstrip())
    assert len(longer) > len(beginning)


def test_a_message_can_be_put_in_other_words(visitor: Visit) -> None:
    page = visitor.page
    ask(page, FRANCE)
    expect(option(page, "Look inside")).to_be_visible()
    page.get_by_label("Edit").click()
    page.locator("#talk textarea").fill(JAPAN)
    page.locator("#talk").get_by_label("Submit").click()
    expect(page.locator("#talk [data-testid=user]")).to_have_text(JAPAN)
    expect(answers(page)).to_have_text(TOKYO)


def test_another_answer_is_kept_beside_the_first(visitor: Visit) -> None:
    page = visitor.page
    # Unfolded before the question: a box that has just come may not listen yet, and forgets what is typed into it.
    page.locator("#settings > button").click()
    ask(page, FRANCE)
    expect(answers(page)).to_have_text(PARIS)
    expect(option(page, "Look inside")).to_be_visible()
    set_length(page, 3)
    page.get_by_label("Retry").click()
    expect(option(page, "Answer 2 of 2")).to_be_visible()
    expect(option(page, "Cut at 3 tokens")).to_be_visible()
    expect(answers(page)).not_to_have_text(PARIS)
    option(page, "Answer 2 of 2").click()
    expect(option(page, "Answer 1 of 2")).to_be_visible()
    expect(answers(page)).to_have_text(PARIS)


def test_a_click_on_an_answer_shows_what_the_model_expected_and_looked_at(visitor: Visit) -> None:
    page = visitor.page
    ask(page, FRANCE)
    expect(option(page, "Look inside")).to_be_visible()
    answers(page).locator("p").click()
    tokens = inside(page, "Token probabilities")
    for word in PARIS.removesuffix(".").split():
        expect(tokens.locator("[data-cell]", has_text=word).first).to_be_visible()
    tokens.locator("[data-cell]", has_text="Paris").click()
    card = tokens.locator(".cards article:visible")
    expect(card.locator("h2")).to_contain_text("Paris")
    expect(card).to_contain_text(re.compile(r"\d %"))
    visitor.picture("inside-tokens")
    attention = inside(page, "Attention")
    expect(attention.locator("svg").first).to_be_visible()
    expect(attention.locator("body")).to_contain_text("Paris")
    visitor.picture("inside-attention")


def test_a_text_of_ones_own_and_an_explained_example_can_be_looked_into(visitor: Visit) -> None:
    page = visitor.page
    page.get_by_role("tab", name="Look inside").click()
    page.locator("#look-text textarea").fill("The lighthouse stood alone.")
    page.locator("#look").click()
    view = page.frame_locator("#look-shown iframe")
    expect(view.locator("body")).to_contain_text("lighthouse")
    visitor.picture("look")
    page.locator("#guides label").first.click()
    expect(view.locator("body")).not_to_contain_text("lighthouse")
    expect(view.locator("h1")).to_be_visible()
    visitor.picture("guide")


def test_the_page_speaks_chinese_and_remembers_it(visitor: Visit) -> None:
    page = visitor.page
    chat, box = page.get_by_role("tab").first, page.locator("#box textarea")
    expect(chat).to_have_text("Chat")
    page.locator("#switch").click()
    for _ in range(2):  # before and after it is loaded anew
        expect(page.locator("#switch")).to_have_text("English")
        expect(chat).to_have_text("对话")
        expect(box).to_have_attribute("placeholder", re.compile("输入消息"))
        visitor.picture("chinese")
        page.reload()
    page.locator("#switch").click()
    expect(chat).to_have_text("Chat")
    expect(box).to_have_attribute("placeholder", re.compile("Write a message"))


def test_a_chinese_browser_is_met_in_chinese(browser: Browser, served: Served) -> None:
    with visit(browser, locale="zh-CN") as come:
        come.page.goto(served.root)
        expect(come.page.get_by_role("tab").first).to_have_text("对话")
        expect(come.page.locator("#switch")).to_have_text("English")


def test_a_conversation_is_found_again_and_taken_away(visitor: Visit, served: Served) -> None:
    page = visitor.page
    ask(page, f"{JAPAN} 蓝鲸")
    expect(option(page, "Look inside")).to_be_visible()
    said = answers(page).inner_text()
    page.locator("#fresh").click()
    expect(answers(page)).to_have_count(0)
    page.reload()
    page.locator("#search input").fill("蓝鲸")
    found = page.locator("#conversations label")
    expect(found).to_have_count(1)
    found.click()
    expect(answers(page)).to_have_text(said, use_inner_text=True)
    visitor.picture("found")
    with page.expect_download() as started:
        page.locator("#export-markdown").click()
    text = started.value.path().read_text("utf-8")
    assert said in text
    assert "蓝鲸" in text


def test_a_thumb_becomes_preference_data(visitor: Visit, served: Served) -> None:
    page = visitor.page
    ask(page, FRANCE)
    expect(option(page, "Look inside")).to_be_visible()
    page.get_by_label("Like", exact=True).click()
    expect(page.get_by_label("Liked")).to_be_visible()
    file = served.home / "preferences.jsonl"
    until(file.exists)
    noted = json.loads(file.read_text("utf-8").splitlines()[-1])
    assert noted["prompt"] == [{"role": "user", "content": FRANCE}]
    assert (noted["answer"], noted["rating"]) == (PARIS, "up")


def test_a_question_asked_at_once_is_answered(browser: Browser, served: Served) -> None:
    with visit(browser) as come:
        come.page.goto(served.root)
        ask(come.page, FRANCE)
        expect(option(come.page, "Look inside")).to_be_visible()
        expect(answers(come.page)).to_have_text(PARIS)


WISHES = {
    "attention": Wish("attention", ("The cat sat on the mat.",)),
    "tokens": Wish("tokens", ("云雾山中的小屋里住着一只猫。",)),
    "lens": Wish("lens", ("The capital of France is Paris.",)),
    "positions": Wish("positions", ("The dog bites the man in the park.",)),
    "sense": Wish("sense", ("He sat on the bank of the river.", "She put money in the bank."), word="bank"),
    **{f"guide-{name}": Wish("guide", (name,)) for name in GUIDES},
}


# Every other one in Chinese: that each has its words in both languages is tested where it is made.
@pytest.mark.parametrize(("name", "tongue"), list(zip(WISHES, cycle(("en", "zh")), strict=False)))
def test_a_saved_view_opens_from_disk_and_asks_for_nothing(
    name: str, tongue: str, browser: Browser, smollm2_model: unmask.Model, tmp_path: Path
) -> None:
    file = tmp_path / "view.html"
    make(WISHES[name], smollm2_model.core, smollm2_model.reader, tongue=tongue).save(file)
    with visit(browser) as come:
        come.page.goto(file.as_uri())
        expect(come.page.locator("main").locator("svg, table, [data-cell]").first).to_be_visible()
        expect(come.page.locator("html")).to_have_attribute("lang", tongue)
        come.picture(f"view-{name}")
        assert come.asked == [file.as_uri()]
