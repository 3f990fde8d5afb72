"""Hints as a person gives them, in a real browser: by mouse, finger and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from huescape.cli import main
from huescape.systems.system import save_system
from tests.demo.browsing import BROWSER, FILE, Open, choose, downloaded
from tests.demo.running import Demo, file_of, scene

pytestmark = BROWSER
WIDTH, HEIGHT = 160, 120  # of FILE
RED, BLUE = "#d02020", "#2040d0"
FRAMED = np.pad(scene(120, 80), ((16, 16), (16, 16), (0, 0)), constant_values=250)


def markers(page: Page) -> Locator:
    return page.get_by_role("button", name="Remove hint")


def start(page: Page, color: str = RED) -> None:
    """Choose the photo and a color, and begin to place hints."""
    choose(page)
    page.get_by_text("PNG", exact=True).click()
    page.get_by_label("Color", exact=True).fill(color)
    page.get_by_role("button", name="Place hints").click()


def place_of(page: Page, column: int, row: int, size: tuple[int, int]) -> tuple[float, float]:
    """Where on the screen a pixel of a photo of `size` = (width, height) has its middle."""
    box = page.locator("#compare").bounding_box()
    assert box is not None
    width, height = box["width"] / size[0], box["height"] / size[1]
    return box["x"] + (column + 0.5) * width, box["y"] + (row + 0.5) * height


def click(page: Page, column: int, row: int) -> None:
    """Click a pixel of the photo, and wait for what it changes."""
    with repainted(page):
        page.mouse.click(*place_of(page, column, row, (WIDTH, HEIGHT)))


@contextmanager
def repainted(page: Page) -> Iterator[None]:
    """Waits, at its end, until the page shows another picture."""
    after = page.locator("#after")
    before = str(after.get_attribute("src"))
    yield
    expect(after).not_to_have_attribute("src", before)


def test_a_click_colors_the_place_and_nothing_far_away(open_page: Open) -> None:
    page = open_page()
    start(page)
    _, before_HW3 = downloaded(page)
    click(page, 30, 10)
    expect(markers(page)).to_have_count(1)
    _, after_HW3 = downloaded(page)
    change_HW = np.abs(after_HW3.astype(int) - before_HW3).max(axis=2)
    red, green, blue = after_HW3[10, 30].astype(int)
    assert red > green + 30
    assert red > blue + 30
    assert change_HW[10, 30] > 20
    assert (change_HW[-20:, -30:] == 0).all()


def test_undo_takes_back_the_last_a_marker_itself_and_clear_all(open_page: Open) -> None:
    page = open_page()
    start(page)
    pictures = [downloaded(page)[1]]
    for column, row in ((30, 10), (120, 100), (80, 60)):
        click(page, column, row)
        pictures.append(downloaded(page)[1])
    expect(page.locator("#hint-count")).to_have_text("3 hints")
    assert len({picture.tobytes() for picture in pictures}) == 4
    with repainted(page):
        page.get_by_role("button", name="Undo the last hint").click()
    assert (downloaded(page)[1] == pictures[2]).all()
    with repainted(page):
        page.get_by_role("button", name=f"Remove hint 2: {RED}, 75 % from the left").click()
    assert (downloaded(page)[1] == pictures[1]).all()
    expect(page.locator("#hint-count")).to_have_text("1 hint")
    click(page, 120, 100)
    with repainted(page):
        page.get_by_role("button", name="Clear all hints").click()
    expect(markers(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Clear all hints")).to_be_hidden()
    expect(page.get_by_role("button", name="Place hints")).to_be_focused()
    assert (downloaded(page)[1] == pictures[0]).all()


def test_a_download_is_what_the_command_makes_and_a_slider_keeps_hints(
    open_page: Open, page_demo: Demo, tmp_path: Path
) -> None:
    system = page_demo.routes.model.system
    runs: list[int] = []
    page = open_page()
    start(page)
    handle = system.network.register_forward_hook(lambda *_: runs.append(1))
    click(page, 30, 10)
    page.get_by_label("Color", exact=True).fill(BLUE)
    click(page, 120, 100)
    with repainted(page):
        page.locator("#strength").fill("0.5")
    with repainted(page):
        page.locator("#tau").fill("0.9")
    expect(markers(page)).to_have_count(2)
    _, found_HW3 = downloaded(page)
    handle.remove()
    assert not runs
    save_system(tmp_path / "tiny", system, {}, "step,loss\n")
    (tmp_path / "beach.png").write_bytes(FILE["buffer"])
    hints = ["--hint", f"30,10,{RED}", "--hint", f"120,100,{BLUE}"]
    how = ["--method", "median", "--tau", "0.9", "--strength", "0.5", *hints]
    place = ["-o", str(tmp_path / "out"), "--system", str(tmp_path / "tiny")]
    assert main(["colorize", str(tmp_path / "beach.png"), *place, *how]) == 0
    assert (np.asarray(Image.open(tmp_path / "out/beach.png")) == found_HW3).all()
    page.locator("#reset").click()
    expect(markers(page)).to_have_count(2)


def test_the_divider_is_there_unless_hints_are_placed(open_page: Open) -> None:
    page = open_page()
    choose(page)
    mode, divider = page.get_by_role("button", name="Place hints"), page.locator("#divider")
    expect(mode).to_have_attribute("aria-pressed", "false")
    page.mouse.click(*place_of(page, 40, 20, (WIDTH, HEIGHT)))
    expect(divider).to_have_value("25")
    expect(markers(page)).to_have_count(0)
    mode.click()
    expect(mode).to_have_attribute("aria-pressed", "true")
    expect(divider).to_be_hidden()
    click(page, 100, 20)
    expect(markers(page)).to_be_visible()
    mode.click()
    expect(markers(page)).to_have_count(0)  # hidden ones have no role
    expect(page.locator("#hint-count")).to_have_text("1 hint")
    start_x, y = place_of(page, 40, 60, (WIDTH, HEIGHT))
    page.mouse.move(start_x, y)
    page.mouse.down()
    page.mouse.move(place_of(page, 119, 60, (WIDTH, HEIGHT))[0], y)
    page.mouse.up()
    assert abs(float(divider.input_value()) - 75) < 1
    expect(page.locator("#hint-count")).to_have_text("1 hint")


def test_a_keyboard_places_and_removes_hints(open_page: Open) -> None:
    page = open_page()
    start(page)
    cross = page.get_by_label("Cross-hair of hints")
    page.get_by_role("button", name="Place hints").press("Enter")
    expect(cross).to_be_hidden()
    page.keyboard.press("Enter")
    expect(cross).to_be_focused()
    for key in ["ArrowLeft"] * 4 + ["ArrowUp"] * 12 + ["Shift+ArrowRight"] * 4:
        page.keyboard.press(key)
    expect(page.locator("#status")).to_have_text("41 % from the left, 20 % from the top.")
    with repainted(page):
        page.keyboard.press("Enter")
    said = f"{RED}, 41 % from the left, 20 % from the top"
    expect(page.locator("#status")).to_have_text(f"Hint 1: {said}.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Remove hint 1: {said}")).to_be_focused()
    with repainted(page):
        page.keyboard.press("Enter")
    expect(cross).to_be_focused()
    expect(markers(page)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Place hints")).to_be_focused()
    expect(cross).to_be_hidden()


def test_another_photo_has_no_hints(open_page: Open) -> None:
    page = open_page()
    start(page)
    click(page, 30, 10)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#another").click()
    choose(page)
    expect(page.get_by_role("button", name="Place hints")).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(page.locator("#markers button")).to_have_count(0)
    expect(page.locator("#hint-list")).to_be_hidden()
    with repainted(page):
        page.locator("#strength").fill("0.5")
    assert any("strength=0.5" in address for address in asked)
    assert not [address for address in asked if "hint=" in address]


def test_there_are_only_so_many(open_page: Open) -> None:
    page = open_page()
    start(page)
    page.get_by_role("button", name="Place hints").press("Enter")
    page.keyboard.press("Enter")
    for _ in range(33):
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowRight")
    said = "There are 32 hints, which is the most. Remove one first."
    expect(page.get_by_role("alert")).to_have_text(said)
    expect(markers(page)).to_have_count(32)


def test_a_hint_that_the_server_does_not_take_is_gone(open_page: Open) -> None:
    page = open_page()
    choose(page, {"name": "print.png", "mimeType": "image/png", "buffer": file_of(FRAMED)})
    page.get_by_role("button", name="Place hints").click()
    size = (FRAMED.shape[1], FRAMED.shape[0])
    with repainted(page):
        page.mouse.click(*place_of(page, 70, 50, size))
    page.mouse.click(*place_of(page, 3, 50, size))
    words = "Hint at 3,50 lies on the border of the print, which gets no color;"
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(markers(page)).to_have_count(1)
    with repainted(page):
        page.locator("#strength").fill("0.5")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_double_click_places_one(open_page: Open) -> None:
    page = open_page()
    start(page)
    with repainted(page):
        page.mouse.dblclick(*place_of(page, 30, 10, (WIDTH, HEIGHT)))
    expect(markers(page)).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_is_enough(open_page: Open, scheme: str) -> None:
    page = open_page(390, 844, has_touch=True, is_mobile=True, color_scheme=scheme)
    choose(page)
    page.get_by_role("button", name="Place hints").tap()
    with repainted(page):
        page.touchscreen.tap(*place_of(page, 30, 20, (WIDTH, HEIGHT)))
    expect(markers(page)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    with repainted(page):
        markers(page).tap()
    expect(markers(page)).to_have_count(0)
