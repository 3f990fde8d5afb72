"""The page of a stage's own: whole, escaped, and with its numbers in words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import sync_playwright

from huescape.reporting.own_page import Figure, Part, Table, page_of, with_interval
from tests.accessibility import EVERYWHERE, assert_accessible
from tests.demo.browsing import CHROMIUM
from tests.reporting.project import HOSTILE, Page, draw_grid


def test_everything_is_there_and_escaped(tmp_path: Path) -> None:
    draw_grid(tmp_path / "a.png")
    table = Table(HOSTILE, (HOSTILE, "x"), ((HOSTILE, HOSTILE),))
    figure = Figure(tmp_path / "a.png", HOSTILE, HOSTILE)
    part = Part(HOSTILE, HOSTILE, (HOSTILE,), (table,), (figure,))
    text = page_of(HOSTILE, HOSTILE, [part, Part("alone", "nothing else")])
    assert "<b>" not in text
    page = Page(text)
    assert page.text.count(HOSTILE) == 3 + 3 + 1 + 3 + 1  # title twice; the part; table; caption
    assert page.values("alt") == [HOSTILE]
    assert all(src.startswith("data:image/png;base64,") for src in page.values("src"))
    assert len(page.values("id")) == len(set(page.values("id"))) == 2


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@EVERYWHERE
def test_axe_finds_nothing(width: int, scheme: str, tmp_path: Path) -> None:
    draw_grid(tmp_path / "a.png", side=128)
    table = Table("Scores", ("Score", "x"), (("AuC", "0.5 (0.25 to 0.75)"),))
    figure = Figure(tmp_path / "a.png", "Five pictures beside each other.", "Five pictures.")
    parts = [Part(title, "x", ("y",), (table,), (figure,)) for title in ("One", "Two")]
    page = tmp_path / "page.html"
    page.write_text(page_of("A title", "What it is.", parts), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=cast(Any, scheme)
        )
        opened.goto(page.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert_accessible(opened, tmp_path / f"own-{width}-{scheme}.png")
        browser.close()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((0.5,), "0.500"),
        ((0.5, (0.25, 0.75)), "0.500 (0.250 to 0.750)"),
        ((0.5, (math.nan, 0.75)), "0.500"),
        ((None,), "\N{EN DASH}"),
        ((math.nan, (0.0, 1.0)), "\N{EN DASH}"),
        ((1.0, None, 1), "1.0"),
    ],
)
def test_numbers_in_words(asked: tuple, said: str) -> None:
    assert with_interval(*asked) == said
