"""A demo to talk to: a real server in a thread, with a tiny system of fresh weights."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import requests
from PIL import Image

from huescape.demo.app import make_app
from huescape.demo.limits import Limits
from huescape.demo.routes import Model, Routes
from huescape.params.decodings import Decoding
from tests.serving.running import Served, refused, scene, served, strong_system

__all__ = ["refused", "scene"]  # for those who talk to a demo
USUAL = Decoding(method="median", tau=0.4)


@dataclass(frozen=True)
class Demo(Served):
    """A running server and its state."""

    routes: Routes

    def upload(self, data: Any, **options: Any) -> requests.Response:
        return requests.post(f"{self.address}/api/photos", data, timeout=60, **options)

    def token(self, data: bytes) -> str:
        answer = self.upload(data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def picture(self, token: str, query: str) -> np.ndarray:
        answer = self.get(f"api/photos/{token}/{query}")
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(answer.content)))


def tiny_model() -> Model:
    """Colors that differ from place to place, and with the decoding, as those of a training do."""
    return Model(strong_system(3), "tiny", USUAL)


@contextmanager
def running(limits: Limits | None = None, model: Model | None = None) -> Iterator[Demo]:
    """A server on a free port, gone after the block."""
    routes = Routes(model or tiny_model(), limits or Limits())
    try:
        with served(partial(make_app, routes)) as address:
            yield Demo(address, routes)
    finally:
        routes.heavy.close()
        routes.light.close()


def file_of(rgb_HW3: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb_HW3).save(stream, format=kind, **options)
    return stream.getvalue()


def bomb() -> bytes:
    """A small PNG of 30,000 x 30,000 pixels."""
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, format="PNG", compress_level=9)
    return stream.getvalue()
