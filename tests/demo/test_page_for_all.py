"""The page for everybody: by keyboard, by name, on a phone, in the dark, without motion."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.demo.browsing import BROWSER, FILE, Open, choose
from tests.demo.running import file_of, scene

pytestmark = BROWSER


def test_a_keyboard_is_enough(open_page: Open) -> None:
    page = open_page()
    page.on("filechooser", lambda _: None)  # from now on none is the browser's own
    page.keyboard.press("Tab")
    expect(page.locator("#drop")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    with page.expect_file_chooser() as waiting:
        page.keyboard.press("Enter")
    waiting.value.set_files(FILE)
    expect(page.locator("#divider")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#divider")).to_have_value("48")
    expect(page.locator("#divider")).to_have_attribute(
        "aria-valuetext", "48 % of the photo in gray"
    )
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
        if reached[-1] == "strength":
            before = page.locator("#after").get_attribute("src")
            page.keyboard.press("ArrowLeft")
            expect(page.locator("#strength-value")).to_have_text("95 %")
            expect(page.locator("#after")).not_to_have_attribute("src", str(before))
        if reached[-1] == "jpeg":
            page.keyboard.press("ArrowRight")
            expect(page.get_by_role("radio", name="PNG")).to_be_checked()
        if reached[-1] == "full":
            with page.expect_download() as download:
                page.keyboard.press("Enter")
            assert download.value.suggested_filename == "beach-colored.png"
    sliders = ["reset", "tau", "temperature", "strength"]
    assert reached[:9] == [*sliders, "hint-color", "hint-mode", "jpeg", "full", "small"]
    page.keyboard.press("Tab")
    page.locator("#another").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drop")).to_be_focused()


def test_everything_has_a_name(open_page: Open) -> None:
    page = open_page()
    choose(page)
    for role, name in (
        ("slider", "Divider between the gray and the colored photo"),
        ("slider", "Vividness"),
        ("slider", "Temperature"),
        ("slider", "Strength"),
        ("button", "Place hints"),
        ("radio", "JPEG"),
        ("radio", "PNG"),
        ("button", "Another photo"),
        ("button", "Reset"),
        ("button", "Full size 160 \u00d7 120"),
        ("img", "beach.png in gray"),
        ("img", "beach.png, colored by tiny"),
    ):
        expect(page.get_by_role(role, name=name, exact=True)).to_be_attached()
    assert page.evaluate("[...document.images].every((image) => image.hasAttribute('alt'))")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("width", [320, 390, 860, 1400])
def test_nothing_overflows(open_page: Open, width: int) -> None:
    page = open_page(width, 844)
    name = "a" * 200 + ".txt"
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": b"hello"})
    expect(page.get_by_role("alert")).to_be_visible()
    assert overflow(page) == 0
    for side in ((300, 40), (40, 300)):
        choose(page, {"name": name, "mimeType": "", "buffer": file_of(scene(*side))})
        assert overflow(page) == 0
        page.locator("#another").click()


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_it_is_dark_where_the_system_is(open_page: Open) -> None:
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        choose(page)
        ground, text = (luminance(page, name) for name in ("backgroundColor", "color"))
        assert (ground < text) == (scheme == "dark")
        high, low = max(ground, text), min(ground, text)
        assert (high + 0.05) / (low + 0.05) > 7
        for selector in (".hint", "#full", "output", "footer p", ".choice span"):
            assert contrast(page, selector) > 4.5, (scheme, selector)


def luminance(page: Page, name: str, selector: str = "body") -> float:
    """Of WCAG 2."""
    text = page.locator(selector).first.evaluate(f"(e) => getComputedStyle(e).{name}")
    levels = [int(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(page: Page, selector: str) -> float:
    """Between an element's text and the first opaque ground below it."""
    text = luminance(page, "color", selector)
    ground = page.locator(selector).first.evaluate_handle(
        """(element) => {
          while (getComputedStyle(element).backgroundColor === "rgba(0, 0, 0, 0)")
            element = element.parentElement;
          element.id ||= "ground";
          return element.id;
        }"""
    )
    below = luminance(page, "backgroundColor", f"#{ground.json_value()}")
    page.evaluate("document.getElementById('ground')?.removeAttribute('id')")
    return (max(text, below) + 0.05) / (min(text, below) + 0.05)


def test_nothing_moves_where_that_is_asked_for(open_page: Open) -> None:
    for motion, name in (("reduce", "none"), ("no-preference", "turn")):
        page = open_page(reduced_motion=motion)
        found = page.locator("#drop .spinner").evaluate("(e) => getComputedStyle(e).animationName")
        assert found == name


def test_touch_needs_no_drop(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True, is_mobile=True)
    expect(page.get_by_text("Choose a photo")).to_be_visible()
    expect(page.get_by_text("Drop a photo here")).to_be_hidden()
    choose(page)
    box = page.locator("#compare").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + 80)
    assert abs(int(page.locator("#divider").input_value()) - 25) <= 1
