"""A page's server in a thread, as the commands start it, and what its errors look like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import requests
from fastapi import FastAPI

from huescape.landscapes.render import render_scene
from huescape.serving.listening import address, listen
from huescape.serving.server import server as server_of
from huescape.systems.system import System
from tests.coloring.systems import make_system

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(f"{self.address}/{path}", timeout=60, **options)


@contextmanager
def served(make: Callable[[str], FastAPI], port: int = 0) -> Iterator[str]:
    """The address of what `make` makes for a host, on a free port; gone after the block."""
    with listen(HOST, port) as listening:
        server = server_of(make(HOST))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address(listening, HOST)
        finally:
            server.should_exit = True
            thread.join()


def strong_system(factor: float) -> System:
    """Fresh weights times a factor: colors that differ from place to place."""
    system = make_system("lab")
    for weights in system.network.parameters():
        weights.data *= factor
    return system


def scene(width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    return render_scene("m/mountain", np.random.default_rng(seed), width, height)


def refused(answer: requests.Response) -> tuple[int, str]:
    """Status and line of an error, which is JSON of one line and nothing more."""
    body = answer.json()
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    return answer.status_code, body["error"]
