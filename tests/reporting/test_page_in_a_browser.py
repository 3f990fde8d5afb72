"""The page in a real browser: as wide as the window, whole from disk, readable by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.demo.browsing import BROWSER, CHROMIUM
from tests.reporting.project import Inputs, write_project

pytestmark = BROWSER


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("project")
    write_project(root)
    Inputs(root).run()
    return (root / "reports/index.html").as_uri()


@pytest.fixture(params=[390, 1400])
def page(request: pytest.FixtureRequest, address: str) -> Iterator[Page]:
    """At the width of a phone and of a desk; nothing may be asked of the network, nothing fails."""
    asked, complaints = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": request.param, "height": 900})
        opened.on("request", lambda one: asked.append(one.url))
        opened.on("console", lambda said: complaints.append(said.text))
        opened.goto(address)
        yield opened
        browser.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert complaints == []


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
