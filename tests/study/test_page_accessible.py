"""axe-core on the study's page: the consent, a question, and the word after it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.accessibility import EVERYWHERE, assert_accessible
from tests.demo.browsing import BROWSER
from tests.study.visiting import Visit, begin

pytestmark = BROWSER


@EVERYWHERE
def test_axe_finds_nothing(visit: Visit, width: int, scheme: str, tmp_path: Path) -> None:
    page = visit(width, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("#begin")).to_be_visible()
    assert_accessible(page, tmp_path / f"study-{width}-{scheme}.png")
    begin(page)
    assert_accessible(page, tmp_path / f"study-question-{width}-{scheme}.png")
    page.get_by_role("button", name="The first").click()
    expect(page.locator("#feedback")).to_be_visible()
    assert_accessible(page, tmp_path / f"study-word-{width}-{scheme}.png")
