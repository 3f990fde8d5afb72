"""People on the study's page in a real browser, watched for whatever goes wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from huescape.study.store import Answer
from tests.study.running import Running

QUESTION = "Which one was colored by a computer?"
# What Chromium prints itself of an answer that is an error, or of none.
EXPECTED = "Failed to load resource: "

Visit = Callable[..., Page]


@contextmanager
def visits(browser: Browser, address: str) -> Iterator[Visit]:
    """Opens the page, each time for another person; at the end, nothing went wrong in it."""
    complaints: list[str] = []
    addresses: list[str] = []
    contexts = []

    def visit(width: int = 1400, height: int = 900, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(address)
        return page

    yield visit
    cookies = [cookie for context in contexts for cookie in context.cookies()]
    for context in contexts:
        context.close()
    assert [line for line in complaints if not line.startswith(EXPECTED)] == []
    assert not cookies
    ours = (address, f"blob:{address}")
    assert [address for address in addresses if not address.startswith(ours)] == []


def asked(page: Page) -> None:
    """Wait until the pictures are gone and an answer is wanted."""
    expect(page.locator("#question")).to_be_visible()
    expect(page.get_by_role("button", name="The first")).to_be_enabled()


def begin(page: Page) -> None:
    page.get_by_role("button", name="I agree, begin").click()
    asked(page)


def overflow(page: Page) -> int:
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def kept(study: Running, session: int = 0) -> list[Answer]:
    return [one for one in study.routes.store.answers() if one.session == session]
