"""The browser of the tests of the study's page, and a study for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.demo.browsing import CHROMIUM
from tests.study.running import Running, running
from tests.study.visiting import Visit, visits

expect.set_options(timeout=30_000)  # a busy machine is not a wrong result


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "study.sqlite") as found:
        yield found


@pytest.fixture
def visit(browser: Browser, study: Running) -> Iterator[Visit]:
    with visits(browser, study.address) as found:
        yield found
