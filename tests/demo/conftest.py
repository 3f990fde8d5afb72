"""The browser of the tests of the page, and a demo for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from huescape.demo.limits import Limits
from tests.demo.browsing import CHROMIUM, Open, pages
from tests.demo.running import Demo, running

expect.set_options(timeout=30_000)  # a busy machine is not a wrong result


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_demo() -> Iterator[Demo]:
    limits = Limits(upload_bytes=300_000, pixels=100_000, preview=128, burst=1e9)
    with running(limits) as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, page_demo: Demo) -> Iterator[Open]:
    """Opens the page; at the end, nothing went wrong in it, and it talked to nobody else."""
    with pages(browser, page_demo) as found:
        yield found
