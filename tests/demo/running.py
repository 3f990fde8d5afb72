"""A demo to talk to: a real server in a thread, with a tiny system of fresh weights."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import requests
from PIL import Image

from huescape.demo.app import make_app
from huescape.demo.limits import Limits
from huescape.demo.routes import Model, Routes
from huescape.landscapes.render import render_scene
from huescape.params.decodings import Decoding
from huescape.serving.listening import address, listen
from huescape.serving.server import server as server_of
from tests.coloring.systems import make_system

HOST = "127.0.0.1"
USUAL = Decoding(method="median", tau=0.4)


@dataclass(frozen=True)
class Demo:
    """A running server and its state."""

    address: str
    routes: Routes

    def upload(self, data: Any, **options: Any) -> requests.Response:
        return requests.post(f"{self.address}/api/photos", data, timeout=60, **options)

    def token(self, data: bytes) -> str:
        answer = self.upload(data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(f"{self.address}/{path}", timeout=60, **options)

    def picture(self, token: str, query: str) -> np.ndarray:
        answer = self.get(f"api/photos/{token}/{query}")
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(answer.content)))


def tiny_model() -> Model:
    """Colors that differ from place to place, and with the decoding, as those of a training do."""
    system = make_system("lab")
    for weights in system.network.parameters():
        weights.data *= 3
    return Model(system, "tiny", USUAL)


@contextmanager
def running(limits: Limits | None = None, model: Model | None = None) -> Iterator[Demo]:
    """A server on a free port, gone after the block."""
    routes = Routes(model or tiny_model(), limits or Limits())
    with listen(HOST, 0) as listening:
        where = address(listening, HOST)
        server = server_of(make_app(routes, HOST))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Demo(where, routes)
        finally:
            server.should_exit = True
            thread.join()
            routes.heavy.close()
            routes.light.close()


def scene(width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    return render_scene("m/mountain", np.random.default_rng(seed), width, height)


def file_of(rgb_HW3: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb_HW3).save(stream, format=kind, **options)
    return stream.getvalue()


def bomb() -> bytes:
    """A small PNG of 30,000 x 30,000 pixels."""
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, format="PNG", compress_level=9)
    return stream.getvalue()


def refused(answer: requests.Response) -> tuple[int, str]:
    """Status and line of an error, which is JSON of one line and nothing more."""
    body = answer.json()
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    return answer.status_code, body["error"]
