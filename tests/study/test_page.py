"""The study as people meet it, in a real browser: by keyboard and by touch, interrupted or not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.demo.browsing import BROWSER
from tests.study.running import DESIGN, LENGTH, Running, scenes
from tests.study.visiting import QUESTION, Visit, asked, begin, kept, overflow

pytestmark = BROWSER


def test_a_whole_session_by_keyboard(visit: Visit, study: Running) -> None:
    page = visit()
    expect(page.locator("#task")).to_contain_text("First come 2 pairs to practice")
    expect(page.locator("#task")).to_contain_text("Then come 5 pairs without being told.")
    page.keyboard.press("Tab")
    expect(page.locator("#begin")).to_be_focused()
    page.keyboard.press("Enter")
    plan, pressed = study.routes.study.design.session(0), []
    for number in range(LENGTH):
        asked(page)
        count = f"Practice {number + 1} of 2" if number < 2 else f"Pair {number - 1} of 5"
        expect(page.locator("#count")).to_have_text(count)
        key = ["1", "2", "ArrowLeft", "ArrowRight"][number % 4]
        pressed.append({"1": 1, "2": 2, "ArrowLeft": 1, "ArrowRight": 2}[key])
        page.keyboard.press(key)
        if number < DESIGN.practice:
            fake = 1 if plan[number].fake_first else 2
            said = "Right" if pressed[-1] == fake else "Wrong"
            words = f"{said}: the {'first' if fake == 1 else 'second'} was colored."
            expect(page.locator("#feedback")).to_have_text(words)
            expect(page.locator("#next")).to_be_focused()
            page.keyboard.press("Enter")
        if number == DESIGN.practice - 1:
            expect(page.locator("#pause-title")).to_have_text("Practice is over")
            page.keyboard.press("Enter")
        if number >= DESIGN.practice:
            expect(page.locator("#feedback")).to_be_hidden()
    expect(page.locator("#thanks")).to_be_visible()
    answers = kept(study)
    assert [answer.chosen for answer in answers] == pressed
    assert {answer.looks for answer in answers} == {1}
    times = [ms for answer in answers for ms in (answer.first_ms, answer.second_ms)]
    assert np.median(times) == pytest.approx(1000, abs=60)
    assert min(times) > 950
    assert all(0 < answer.reaction_ms < 30_000 for answer in answers)
    page.reload()
    expect(page.locator("#thanks")).to_be_visible()


def test_a_whole_session_by_touch_on_a_phone(visit: Visit, study: Running) -> None:
    page = visit(390, 844, has_touch=True, is_mobile=True, device_scale_factor=2)
    expect(page.locator("#begin")).to_be_visible()
    assert overflow(page) == 0
    page.locator("#begin").tap()
    for number in range(LENGTH):
        asked(page)
        assert overflow(page) == 0
        for button in ("#one", "#two"):
            box = page.locator(button).bounding_box()
            assert box is not None
            assert box["height"] >= 48
            assert box["y"] + box["height"] <= 844
        page.locator("#one" if number % 2 else "#two").tap()
        if number < DESIGN.practice:
            page.locator("#next").tap()
        if number == DESIGN.practice - 1:
            page.locator("#go").tap()
    expect(page.locator("#thanks")).to_be_visible()
    assert [answer.chosen for answer in kept(study)] == [2, 1, 2, 1, 2, 1, 2]


def test_the_pictures_come_one_after_the_other(visit: Visit) -> None:
    """What the screen shows at each frame, from the page itself: never both, and never before."""
    page = visit()
    page.evaluate(
        """() => {
          window.seen = [];
          const look = () => {
            const shown = ["first", "second", "question"].filter((id) => {
              const one = document.getElementById(id);
              return !one.hidden && one.getClientRects().length;
            });
            window.seen.push(shown.join("+") || "nothing");
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    begin(page)
    seen = page.evaluate("window.seen")
    order = [one for k, one in enumerate(seen) if k == 0 or seen[k - 1] != one]
    assert order == ["nothing", "first", "nothing", "second", "question"] or order == [
        *("nothing", "first", "nothing", "second", "nothing", "question"),
    ]
    size = page.evaluate("[first.naturalWidth, first.naturalHeight]")
    photo = list(scenes(DESIGN.photos).values())[DESIGN.session(0)[0].photo]
    height, width = photo.shape[:2]
    assert size == [width, height]


def test_a_key_before_the_end_is_no_answer(visit: Visit, study: Running) -> None:
    page = visit()
    page.get_by_role("button", name="I agree, begin").click()
    expect(page.locator("#first")).to_be_visible()
    for key in ("1", "2", "ArrowLeft"):
        page.keyboard.press(key)
    asked(page)
    assert kept(study) == []
    page.keyboard.press("3")
    page.keyboard.press("Control+1")
    expect(page.locator("#question")).to_be_visible()
    assert kept(study) == []


def test_two_people_at_once(visit: Visit, study: Running) -> None:
    first, second = visit(), visit(390, 844)
    begin(first)
    begin(second)
    for page, key in ((first, "1"), (second, "2"), (second, "2"), (first, "1")):
        asked(page)
        page.keyboard.press(key)
        expect(page.locator("#feedback")).to_be_visible()
        page.locator("#next").click()
    for number, chosen in ((0, 1), (1, 2)):
        assert [answer.chosen for answer in kept(study, number)] == [chosen, chosen]
    photos = [[answer.photo for answer in kept(study, number)] for number in (0, 1)]
    plans = [study.routes.study.design.session(number) for number in (0, 1)]
    names = study.routes.study.photos
    assert photos == [[names[trial.photo] for trial in plan[:2]] for plan in plans]


@pytest.mark.parametrize("width", [320, 390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_and_nothing_overflows(visit: Visit, width: int, scheme: str) -> None:
    page = visit(width, 844, color_scheme=scheme)
    expect(page.locator("#begin")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 380) == (scheme == "light")
    assert overflow(page) == 0
    begin(page)
    assert overflow(page) == 0
    surround = page.evaluate("getComputedStyle(document.getElementById('stage')).backgroundColor")
    assert surround == "rgb(119, 119, 119)"
    page.keyboard.press("1")
    expect(page.locator("#feedback")).to_be_visible()
    assert overflow(page) == 0


def test_everything_has_a_name(visit: Visit) -> None:
    page = visit()
    begin(page)
    for role, name in (
        ("button", "The first 1"),
        ("button", "The second 2"),
        ("progressbar", "Progress"),
        ("heading", "Real or colored?"),
    ):
        expect(page.get_by_role(role, name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(QUESTION)
    assert page.evaluate("[...document.images].every((image) => image.hasAttribute('alt'))")
    assert page.locator("html").get_attribute("lang") == "en"
