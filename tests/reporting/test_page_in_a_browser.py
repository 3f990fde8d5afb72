"""The page in a real browser: as wide as the window, whole from disk, readable by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.accessibility import EVERYWHERE, WIDTHS, assert_accessible
from tests.demo.browsing import BROWSER, CHROMIUM
from tests.reporting.project import Inputs, write_pictures, write_project, write_temperatures

pytestmark = BROWSER


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("project")
    write_project(root)
    for name, vivid in (("colorunet", 0.9), ("wide", 0.4)):
        write_pictures(root, name, vivid)
        write_temperatures(root, name)
    Inputs(root).run()
    return (root / "reports/index.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page; nothing may be asked of the network, and nothing fails."""
    asked, complaints = [], []

    def opened(width: int = 1400, **options: Any) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.on("request", lambda one: asked.append(one.url))
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert complaints == []


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, open_page: Open) -> Page:
    """At the width of a phone and of a desk."""
    return open_page(request.param)


def test_nothing_overflows(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide == page.viewport_size["width"]


def test_tables_scroll_by_themselves_and_by_keyboard(page: Page) -> None:
    regions = page.locator(".scroll")
    assert regions.count() > 5
    for k in range(regions.count()):
        region = regions.nth(k)
        assert region.get_attribute("tabindex") == "0"
        assert region.get_attribute("aria-label")
        region.evaluate("e => e.closest('details')?.setAttribute('open', '')")
        region.focus()
        assert region.evaluate("e => e === document.activeElement")


def test_every_picture_says_what_it_shows(page: Page) -> None:
    pictures = page.locator("img")
    assert pictures.count() > 10
    for k in range(pictures.count()):
        assert len(pictures.nth(k).get_attribute("alt") or "") > 10


def test_links_of_the_bar_lead_to_sections(page: Page) -> None:
    for target in page.locator("nav a").evaluate_all("all => all.map(a => a.hash)"):
        assert page.locator(f"section{target}").count() == 1


@EVERYWHERE
def test_axe_finds_nothing(open_page: Open, width: int, scheme: str, tmp_path: Path) -> None:
    page = open_page(width, color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true })")
    assert_accessible(page, tmp_path / f"page-{width}-{scheme}.png")


def shown(page: Page) -> list[str]:
    """What the strips show, of those that are shown."""
    texts = page.locator(".strip:visible .shown")
    return [text.strip() for text in texts.all_text_contents()]


def test_a_slider_leads_from_gray_to_true_by_keyboard(open_page: Open) -> None:
    page = open_page()
    assert shown(page) == ["Colored by colorunet"] * 3 + ["T = 1"] * 2
    slider = page.get_by_role("slider").first
    slider.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    visible = page.locator(".strip").first.locator("img:visible")
    for key, said, alt in (
        ("Home", "Gray", "Gray"),
        ("ArrowRight", "10 % from Gray to Colored by colorunet", ""),
        ("End", "Truth", "Truth"),
    ):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", said)
        assert shown(page)[0] == said
        alts = [one.get_attribute("alt") or "" for one in visible.all()]
        assert len(alts) == (1 if alt else 2)
        assert alts[0].endswith(alt)
    page.get_by_role("radio", name="wide").first.check()
    page.keyboard.press("Tab")
    assert shown(page)[1] == "Colored by wide"


def test_temperatures_are_stops_of_a_slider(open_page: Open) -> None:
    page = open_page()
    slider = page.locator(".strip:visible input[aria-label^=Temperature]").first
    slider.focus()
    for said in ("T = 0.38", "T = 0.2", "T = 0.2"):
        page.keyboard.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuetext", said)
    page.get_by_role("radio", name="wide").nth(1).check()
    captions = page.locator(".strip:visible figcaption").all_text_contents()
    assert [text.endswith(", wide") for text in captions] == [False] * 3 + [True] * 2


def test_without_a_script_every_picture_is_there(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    assert page.locator(".frame img:visible").count() == 3 * 4 + 2 * 2 * 3
    assert page.get_by_role("slider").count() == 0
    assert page.get_by_role("radio").count() == 0
    assert page.locator(".what:visible").count() == page.locator(".frame").count()
