"""A real browser on the page of a demo, watched for whatever goes wrong in it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.demo.running import Demo, file_of, scene

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
#: Marks of a module whose tests need it.
BROWSER = [
    pytest.mark.long,
    pytest.mark.timeout(300),  # what a page is asked has no limit of its own, and takes seconds
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
# What Chromium itself prints of every answer that is an error.
REFUSED = "Failed to load resource: the server responded with a status of"
FILE = {"name": "beach.png", "mimeType": "image/png", "buffer": file_of(scene(160, 120))}

Open = Callable[..., Page]


@contextmanager
def pages(browser: Browser, demo: Demo) -> Iterator[Open]:
    complaints: list[str] = []
    addresses: list[str] = []
    contexts = []

    def open_one(width: int = 1400, height: int = 900, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(demo.address)
        expect(page.locator("#about")).to_contain_text("Colored by")
        return page

    yield open_one
    cookies = [cookie for context in contexts for cookie in context.cookies()]
    for context in contexts:
        context.close()
    assert [line for line in complaints if not line.startswith(REFUSED)] == []
    assert not cookies
    ours = (demo.address, f"blob:{demo.address}", "data:")
    assert [address for address in addresses if not address.startswith(ours)] == []


def choose(page: Page, file: Any = FILE) -> None:
    page.locator("#file").set_input_files(file)
    expect(page.locator("#result")).to_be_visible()


def downloaded(page: Page, button: str = "#full") -> tuple[str, np.ndarray]:
    with page.expect_download() as waiting:
        page.locator(button).click()
    path = waiting.value.path()
    return waiting.value.suggested_filename, np.asarray(Image.open(path))


def shown(locator: Locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def chroma(rgb_HW3: np.ndarray) -> float:
    return float(np.ptp(rgb_HW3, axis=2).mean())
