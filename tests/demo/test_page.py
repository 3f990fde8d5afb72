"""The page as a person meets it, in a real browser: photos, sliders, downloads, errors."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Route, expect

from huescape.coloring.painting import colorize
from huescape.demo.routes import Model
from huescape.params.decodings import Decoding
from huescape.params.released import released_model
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import load_system
from tests.demo.browsing import BROWSER, FILE, Open, choose, chroma, downloaded, pages, shown
from tests.demo.running import USUAL, Demo, bomb, file_of, running, scene

pytestmark = BROWSER
# A drop as the browser hands it over; the file comes in as base64.
DROP = """([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const kind of ["dragover", "drop"]) {
    const options = { dataTransfer, bubbles: true, cancelable: true };
    document.getElementById("drop").dispatchEvent(new DragEvent(kind, options));
  }
}"""


def test_a_dropped_photo_is_colored_and_downloaded(open_page: Open, page_demo: Demo) -> None:
    page = open_page()
    page.evaluate(DROP, ["lake.png", base64.b64encode(FILE["buffer"]).decode()])
    expect(page.locator("#result")).to_be_visible()
    expect(page.locator("#start")).to_be_hidden()
    expect(page.locator("#full-size")).to_have_text("160 \u00d7 120")
    expect(page.locator("#small-size")).to_have_text("128 \u00d7 96")
    page.get_by_text("PNG", exact=True).click()
    name, rgb_HW3 = downloaded(page)
    assert name == "lake-colored.png"
    assert (
        rgb_HW3 == colorize(page_demo.routes.model.system, scene(160, 120), USUAL, as_print=True)
    ).all()
    name, rgb_HW3 = downloaded(page, "#small")
    assert (name, rgb_HW3.shape) == ("lake-colored.png", (96, 128, 3))
    page.get_by_text("JPEG", exact=True).click()
    name, rgb_HW3 = downloaded(page)
    assert (name, rgb_HW3.shape) == ("lake-colored.jpg", (120, 160, 3))


def test_the_divider_shows_gray_on_its_left(open_page: Open) -> None:
    page = open_page()
    choose(page)
    compare = page.locator("#compare")
    box = compare.bounding_box()
    assert box is not None
    half_HW3 = shown(compare)
    width = half_HW3.shape[1]
    rows = slice(60, half_HW3.shape[0] // 2 - 40)
    left_HW3, right_HW3 = half_HW3[rows, : width // 2 - 40], half_HW3[rows, width // 2 + 40 :]
    assert chroma(left_HW3) < 1
    assert chroma(right_HW3) > 3
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    page.mouse.up()
    expect(page.locator("#divider")).to_have_value("90")
    assert chroma(shown(compare)[rows, : int(width * 0.85)]) < 1
    page.mouse.click(box["x"] + 2, box["y"] + 20)
    assert chroma(shown(compare)[rows, 40:]) > 3


def test_a_slider_decodes_again_and_the_network_rests(open_page: Open, page_demo: Demo) -> None:
    page = open_page()
    choose(page)
    runs: list[int] = []
    handle = page_demo.routes.model.system.network.register_forward_hook(lambda *_: runs.append(1))
    for id_, value in (("tau", "0.9"), ("temperature", "0.1"), ("strength", "0.5")):
        before = page.locator("#after").get_attribute("src")
        page.locator(f"#{id_}").fill(value)
        expect(page.locator("#after")).not_to_have_attribute("src", str(before))
    page.get_by_text("PNG", exact=True).click()
    _, rgb_HW3 = downloaded(page)
    handle.remove()
    assert not runs
    look = Decoding(method="median", tau=0.9, temperature=0.1)
    system = page_demo.routes.model.system
    assert (rgb_HW3 == colorize(system, scene(160, 120), look, strength=0.5, as_print=True)).all()
    expect(page.locator("#tau-value")).to_have_text("90 %")
    expect(page.locator("#temperature-value")).to_have_text("0.10")
    page.locator("#reset").click()
    values = [page.locator(f"#{name}").input_value() for name in ("tau", "temperature", "strength")]
    assert values == ["0.4", "1", "1"]


def test_the_last_move_of_many_is_what_is_seen(open_page: Open, page_demo: Demo) -> None:
    page = open_page()
    choose(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(lambda answer: "strength=2&" in answer.url):
        page.evaluate(
            """() => {
              const slider = document.getElementById("strength");
              for (let step = 0; step <= 40; step++) {
                slider.value = step / 20;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
              }
            }"""
        )
    previews = [url for url in asked if "/preview?" in url]
    assert "strength=2" in previews[-1]
    assert len(previews) < 10
    before = page.locator("#after").get_attribute("src")
    page.locator("#strength").fill("0")
    expect(page.locator("#after")).not_to_have_attribute("src", str(before))
    assert chroma(shown(page.locator("#compare"))[60:]) < 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.txt", b"hello", "The file is not a photo, or damaged: not an image."),
        ("empty.jpg", b"", "The file is not a photo, or damaged: the file is empty."),
        ("huge.jpg", b"x" * 400_000, "The file has 0.4 MB. Allowed: at most 0.3 MB."),
        (
            "bomb.png",
            bomb(),
            "The photo is too large: 900,000,000 pixels; the limit is 100,000 pixels.",
        ),
        ("paper.pdf", b"%PDF-1.7", "This kind of file is not read: a PDF document"),
    ],
)
def test_what_is_no_photo_is_said_in_words(
    open_page: Open, name: str, data: bytes, words: str
) -> None:
    page = open_page()
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": data})
    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text(words)
    expect(page.locator("#result")).to_be_hidden()
    # A browser tells of no change where the same file is chosen again.
    expect(page.locator("#file")).to_have_value("")
    choose(page)
    expect(alert).to_be_hidden()


def test_a_bad_file_leaves_the_photo_that_is_shown(open_page: Open) -> None:
    page = open_page()
    choose(page)
    page.evaluate(DROP, ["notes.txt", base64.b64encode(b"hello").decode()])
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#result")).to_be_visible()
    page.locator("#strength").fill("0.5")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_two_people_at_once_have_each_their_own(open_page: Open, page_demo: Demo) -> None:
    first, second = open_page(), open_page()
    pictures = {first: scene(160, 120, seed=1), second: scene(120, 160, seed=2)}
    for page, rgb_HW3 in pictures.items():
        file = {"name": "a.png", "mimeType": "image/png", "buffer": file_of(rgb_HW3)}
        page.locator("#file").set_input_files(file)
    first.locator("#strength").fill("0.5")
    for page, rgb_HW3 in pictures.items():
        expect(page.locator("#result")).to_be_visible()
        page.get_by_text("PNG", exact=True).click()
        strength = float(page.locator("#strength").input_value())
        expected_HW3 = colorize(
            page_demo.routes.model.system, rgb_HW3, USUAL, strength=strength, as_print=True
        )
        assert (downloaded(page)[1] == expected_HW3).all()


def test_a_photo_that_was_forgotten_is_asked_for_again(open_page: Open, page_demo: Demo) -> None:
    page = open_page()
    with page.expect_response("**/api/photos") as upload:
        choose(page)
    page_demo.routes.photos.drop(upload.value.json()["token"])
    page.locator("#strength").fill("0.5")
    said = "The photo is no longer held; choose it again."
    expect(page.get_by_role("alert")).to_have_text(said)
    expect(page.locator("#drop")).to_be_visible()
    choose(page)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_another_photo_makes_the_server_forget_the_first(open_page: Open, page_demo: Demo) -> None:
    page = open_page()
    held = len(page_demo.routes.photos)
    choose(page)
    assert len(page_demo.routes.photos) == held + 1
    page.evaluate(DROP, ["lake.png", base64.b64encode(file_of(scene(200, 100))).decode()])
    expect(page.locator("#full-size")).to_have_text("200 \u00d7 100")
    page.locator("#another").click()
    page.wait_for_load_state("networkidle")
    assert len(page_demo.routes.photos) == held


def test_a_photo_chosen_before_the_model_is_known_is_colored(open_page: Open) -> None:
    page = open_page()
    waiting: list[Route] = []
    page.route("**/api/model", lambda route: waiting.append(route))
    page.reload()
    page.locator("#file").set_input_files(FILE)
    expect(page.get_by_role("status")).to_have_text("Coloring the photo\u2026")
    expect(page.locator("#about")).to_be_empty()
    waiting[0].continue_()
    expect(page.locator("#result")).to_be_visible()


def test_a_server_that_was_asleep_is_asked_again(browser: Browser, page_demo: Demo) -> None:
    page = browser.new_page()
    page.route("**/api/model", lambda route: route.abort(), times=1)
    page.goto(page_demo.address)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    choose(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#about")).to_contain_text("Colored by")
    page.close()


def test_a_server_that_is_gone_is_said_in_words(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    with running() as demo:
        page.goto(demo.address)
        choose(page)
    page.locator("#strength").fill("0.5")
    words = "The server does not answer. Is huescape demo still running?"
    expect(page.get_by_role("alert")).to_have_text(words)
    context.close()


def test_the_shipped_model_colors_a_landscape(browser: Browser, tmp_path: Path) -> None:
    folder = released_model("landscape")
    model = Model(load_system(folder), folder.name, usual_decoding(folder))
    rgb_HW3 = scene(640, 480)
    path = tmp_path / "mountain.jpg"
    path.write_bytes(file_of(rgb_HW3, "JPEG", quality=95))
    with running(model=model) as demo, pages(browser, demo) as open_page:
        page = open_page()
        choose(page, path)
        page.get_by_text("PNG", exact=True).click()
        _, found_HW3 = downloaded(page)
        seen_HW3 = np.asarray(Image.open(path))
        assert (found_HW3 == colorize(model.system, seen_HW3, model.decoding, as_print=True)).all()
        vivid = page.locator("#tau").input_value()
        assert vivid == str(model.decoding.tau)
