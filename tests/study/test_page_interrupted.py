"""The study's page when something comes between: a reload, a second tab, a server that is gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from huescape.study.store import Store
from huescape.systems.system import save_system
from tests.coloring.systems import make_system, save
from tests.demo.browsing import BROWSER
from tests.study.running import Running, scenes
from tests.study.visiting import Visit, asked, begin, kept, visits

pytestmark = BROWSER


def test_a_reload_goes_on_at_the_same_pair(visit: Visit, study: Running) -> None:
    page = visit()
    begin(page)
    page.keyboard.press("1")
    page.locator("#next").click()
    asked(page)
    page.reload()
    expect(page.locator("#pause-title")).to_have_text("Welcome back")
    expect(page.locator("#count")).to_have_text("Practice 2 of 2")
    page.locator("#go").click()
    asked(page)
    page.keyboard.press("2")
    expect(page.locator("#feedback")).to_be_visible()
    assert [(one.trial, one.chosen, one.looks) for one in kept(study)] == [(0, 1, 1), (1, 2, 2)]
    assert study.routes.store.begun() == 1


def test_a_second_tab_of_the_same_session_is_set_right(visit: Visit, study: Running) -> None:
    page = visit()
    begin(page)
    with page.context.expect_page() as opened:
        page.evaluate("window.open(location.href)")  # with a copy of what the tab remembers
    other = opened.value
    other.locator("#go").click()
    asked(other)
    other.keyboard.press("1")
    expect(other.locator("#feedback")).to_be_visible()
    page.bring_to_front()
    page.keyboard.press("2")
    expect(page.locator("#pause-title")).to_have_text("Welcome back")
    expect(page.locator("#count")).to_have_text("Practice 2 of 2")
    assert [answer.chosen for answer in kept(study)] == [1]


def test_an_answer_whose_receipt_is_lost_counts_once(visit: Visit, study: Running) -> None:
    page, lost = visit(), []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)  # the server has it
            route.abort()
        else:
            route.continue_()

    begin(page)
    page.route("**/trials/0", lose)
    page.keyboard.press("2")
    expect(page.locator("#feedback")).to_be_visible()
    assert lost == [200]
    expect(page.get_by_role("alert")).to_be_hidden()
    assert [answer.chosen for answer in kept(study)] == [2]


def test_an_answer_before_a_reload_is_not_lost(visit: Visit, study: Running) -> None:
    page = visit()
    begin(page)
    page.route("**/trials/0", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.get_by_role("alert")).to_contain_text("Trying again; nothing is lost.")
    assert kept(study) == []
    page.unroute("**/trials/0")
    page.reload()
    expect(page.locator("#count")).to_have_text("Practice 2 of 2")
    assert [answer.chosen for answer in kept(study)] == [2]


def test_a_session_of_another_study_is_begun_anew(visit: Visit) -> None:
    page = visit()
    page.evaluate("sessionStorage.setItem('token', 'nosuch')")
    page.reload()
    expect(page.locator("#begin")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('token')") is None


def serve(folder: Path, port: str) -> tuple[subprocess.Popen[str], str]:
    """The real command, and where it listens."""
    numbers = ["--practice", "1", "--trials", "4", "--catch", "1"]
    run = [sys.executable, "-m", "huescape", "study", "--systems", "tiny", "--photos", "photos"]
    process = subprocess.Popen(
        [*run, "--port", port, *numbers], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.fullmatch(r"study: (http://\S+) is ready; Ctrl-C ends it\n", line):
            return process, found[1]
    raise AssertionError("the server did not begin")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_server_that_is_killed_and_started_again_goes_on(
    browser: Browser, tmp_path: Path
) -> None:
    save_system(tmp_path / "tiny", make_system("lab"), {}, "step,loss\n")
    for name, rgb_HW3 in scenes(6).items():
        save(tmp_path / "photos" / name, rgb_HW3)
    process, where = serve(tmp_path, "0")
    with visits(browser, where) as visit:
        try:
            page = visit()
            begin(page)
            page.keyboard.press("1")
            page.locator("#next").click()
            page.locator("#go").click()
            asked(page)
            process.send_signal(signal.SIGKILL)
            process.wait()
            page.keyboard.press("2")
            expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
            process.communicate()
            process, again = serve(tmp_path, where.rpartition(":")[2])
            assert again == where
            for key in ("2", "1", "1"):
                expect(page.get_by_role("alert")).to_be_hidden(timeout=60_000)
                asked(page)
                page.keyboard.press(key)
            expect(page.locator("#thanks")).to_be_visible()
        finally:
            process.kill()
            process.communicate()
    with closing(Store(tmp_path / "study.sqlite", make=False)) as store:
        answers = store.answers()
    assert [(one.session, one.trial, one.chosen) for one in answers] == [
        *((0, 0, 1), (0, 1, 2), (0, 2, 2), (0, 3, 1), (0, 4, 1)),
    ]
    assert {one.looks for one in answers} == {1}


def test_a_pair_that_nobody_looks_at_begins_anew(visit: Visit, study: Running) -> None:
    """As when a person goes to another tab; headless Chromium has to be told that it is hidden."""
    page = visit()
    page.get_by_role("button", name="I agree, begin").click()
    expect(page.locator("#first")).to_be_visible()
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    expect(page.locator("#pause-title")).to_have_text("Paused")
    expect(page.locator("#first")).to_be_hidden()
    page.keyboard.press("1")
    page.evaluate(hide, False)
    page.locator("#go").click()
    asked(page)
    page.keyboard.press("2")
    expect(page.locator("#feedback")).to_be_visible()
    assert [(answer.chosen, answer.looks) for answer in kept(study)] == [(2, 2)]
