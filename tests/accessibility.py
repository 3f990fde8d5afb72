"""What axe-core finds wrong with a page, at the widths and in the colors that people have."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FloatRect, Page

WIDTHS = (390, 1400)
SCHEMES = ("light", "dark")
#: Pixels. Chromium draws a picture in one piece. Of a page of 22,117 it said that it could not, on
#: a busy machine, or it did not come back.
TALLEST = 8000
#: Marks a test that takes `width` and `scheme`.
EVERYWHERE = pytest.mark.parametrize(
    ("width", "scheme"), [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
)


def assert_accessible(page: Page, picture: Path) -> None:
    """Fail with a line for each rule and element that axe objects to; keeps a `picture` (PNG).

    It shows the page to its end, or so much of it as Chromium draws well.

    All of axe's rules, those of good practice too.
    """
    width, height = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    page.screenshot(path=picture, full_page=True, clip=clip)
    found = Axe().run(page).response
    assert len(found["passes"]) > 10, "axe saw nothing"
    said = [
        f"{rule['id']} ({rule['impact']}): {node['target'][0]}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert not said, "\n".join(said)
