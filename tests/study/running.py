"""A study to take part in: a real server in a thread, with tiny systems of fresh weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import requests

from huescape.params.decodings import ANNEALED
from huescape.study.app import make_app
from huescape.study.limits import Limits
from huescape.study.pictures import Painter, Pictures
from huescape.study.plan import Design, Trial
from huescape.study.routes import Routes, Study
from huescape.study.store import Store
from tests.serving.running import Served, scene, served, strong_system

SYSTEMS = ("plain", "bold")
#: Two of practice, four that count and one catch trial; each kind of photo besides.
DESIGN = Design(5, len(SYSTEMS), 12, 2, 5, 1)
LENGTH = DESIGN.practice + DESIGN.trials


@dataclass(frozen=True)
class Running(Served):
    """A running server, and what its routes know."""

    routes: Routes

    def begin(self) -> Person:
        answer = self.post("api/sessions", {"consent": "yes"})
        assert answer.status_code == 201, answer.text
        assert list(answer.json()) == ["token"]
        return Person(self, answer.json()["token"])

    def post(self, path: str, message: Any, **options: Any) -> requests.Response:
        return requests.post(f"{self.address}/{path}", json=message, timeout=60, **options)


@dataclass(frozen=True)
class Person:
    """Somebody who takes part, by the addresses that the page uses."""

    study: Running
    token: str

    @property
    def place(self) -> str:
        return f"api/sessions/{self.token}"

    @property
    def number(self) -> int:
        found = self.study.routes.store.session(self.token)
        assert found is not None
        return found

    @property
    def plan(self) -> list[Trial]:
        return self.study.routes.study.design.session(self.number)

    def next(self) -> int:
        return int(self.study.get(self.place).json()["next"])

    def say(self, trial: int, fake: Any, **others: Any) -> requests.Response:
        message = {"fake": fake, "reaction_ms": 650.5, "first_ms": 1000, "second_ms": 1001.5}
        return self.study.post(f"{self.place}/trials/{trial}", message | {"looks": 1} | others)

    def see(self, trial: int, place: int) -> requests.Response:
        return self.study.get(f"{self.place}/trials/{trial}/{place}")


def finish(person: Person, fake: int = 1) -> list[dict[str, Any]]:
    """Answer all that is left; what the server says to each."""
    return [person.say(trial, fake).json() for trial in range(person.next(), LENGTH)]


def scenes(count: int, width: int = 96, height: int = 64) -> dict[str, np.ndarray]:
    return {f"scene-{k:02d}.png": scene(width, height - k % 3, seed=k) for k in range(count)}


def painter(name: str) -> Painter:
    """Colors that differ from place to place; `bold` ones reach further."""
    return Painter(name, strong_system(6 if name == "bold" else 2), ANNEALED)


@cache
def study(design: Design = DESIGN) -> Study:
    photos = scenes(design.photos)
    pictures = Pictures(design, photos, [painter(name) for name in SYSTEMS[: design.systems]])
    return Study(design, list(photos), SYSTEMS[: design.systems], pictures)


@contextmanager
def running(
    path: Path, limits: Limits | None = None, design: Design = DESIGN, port: int = 0
) -> Iterator[Running]:
    """A server on a free port with its store at `path`, gone after the block."""
    store = Store(path)
    routes = Routes(study(design), store, limits or replace(Limits(), burst=1e9))
    try:
        with served(partial(make_app, routes), port) as address:
            yield Running(address, routes)
    finally:
        store.close()
