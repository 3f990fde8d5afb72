"""axe-core on the demo's page: as it opens, with a photo, and with a message."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.accessibility import EVERYWHERE, assert_accessible
from tests.demo.browsing import BROWSER, Open, choose

pytestmark = BROWSER


@EVERYWHERE
def test_axe_finds_nothing(open_page: Open, width: int, scheme: str, tmp_path: Path) -> None:
    page = open_page(width, color_scheme=scheme, reduced_motion="reduce")
    assert_accessible(page, tmp_path / f"demo-{width}-{scheme}.png")
    broken = {"name": "a.png", "mimeType": "image/png", "buffer": b"no photo"}
    page.locator("#file").set_input_files(broken)
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page, tmp_path / f"demo-refused-{width}-{scheme}.png")
    choose(page)
    expect(page.locator("#divider")).to_be_visible()
    assert_accessible(page, tmp_path / f"demo-photo-{width}-{scheme}.png")
